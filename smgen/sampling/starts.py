"""Where chains start."""

from __future__ import annotations

from typing import Any

import numpy as np

from smgen.errors import shortened
from smgen.sampling.box import Box, Floats
from smgen.sampling.checks import ORIGIN
from smgen.sampling.errors import SamplingError


def starting_points(
    start: object, data: object, *, chains: int, box: Box, dtype: Any, scale: float, rng: np.random.Generator
) -> Floats:
    """Starts (chains, D): those the user passed, random rows of data (N, D), or noise N(0, scale²).

    Noise is reflected into the bounds: clipped, much of it would lie on them, where energies may be infinite. Points
    that the user passed must lie within the bounds.
    """
    if start is not None and data is not None:
        raise SamplingError(origin=ORIGIN, what="both start and data were passed", hint="pass one of them")
    dimension = len(box.low)
    if start is not None:
        return _rows("start", start, box, dtype, wanted=chains)
    if data is not None:
        rows = _rows("data", data, box, dtype)
        return rows[rng.choice(len(rows), size=chains, replace=len(rows) < chains)]
    try:
        noise = scale * rng.standard_normal((chains, dimension))
    except (MemoryError, ValueError) as error:
        raise SamplingError(
            origin=ORIGIN,
            what=f"no memory for {chains:,} chains of {dimension:,} coordinates",
            hint="run fewer chains",
        ) from error
    box.fold(noise)
    return noise


def _rows(name: str, value: object, box: Box, dtype: Any, wanted: int | None = None) -> Floats:
    """A user's array (N, D), rounded to `dtype`: finite, within the bounds, with as many rows as `wanted`."""
    dimension = len(box.low)
    shape = f"({'N' if wanted is None else wanted}, {dimension})"
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "fiu":
        raise SamplingError(
            origin=ORIGIN, what=f"{name}={shortened(value)} is not an array of real numbers", hint=f"pass one {shape}"
        )
    if array.ndim != 2 or array.shape[1] != dimension or len(array) != (wanted or max(1, len(array))):
        raise SamplingError(
            origin=ORIGIN,
            what=f"{name} has shape {array.shape}, and must have {shape}",
            hint="one row for each chain" if wanted is not None else "one row for each sample",
        )
    with np.errstate(all="ignore"):
        rows = array.astype(dtype).astype(np.float64)
    unusable = np.asarray(~np.isfinite(rows).all(axis=1))
    for bad, fault in ((unusable, "is not finite"), (box.outside(rows), "is out of the bounds")):
        if bad.any():
            raise SamplingError(
                origin=ORIGIN,
                what=f"row {int(np.argmax(bad))} of {name} {fault}; {int(bad.sum())} of {len(bad)} rows like it",
                hint="mend or leave out these rows" + (", or widen the bounds" if "bounds" in fault else ""),
            )
    return rows
