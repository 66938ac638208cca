"""How far chains may go before they are held to have left to infinity."""

from __future__ import annotations

from typing import Final

import numpy as np

from smgen.sampling.box import Floats
from smgen.sampling.checks import ORIGIN
from smgen.sampling.errors import SamplingError

FAR: Final = 1e8
"""The greatest coordinate of a chain, as a multiple of the greatest at the start, or of 1."""


def farthest(start: Floats) -> float:
    """The greatest coordinate that chains from these starts may have."""
    return FAR * max(1.0, float(np.abs(start).max()))


def check_reach(x: Floats, reach: float, reason: str) -> None:
    """Raise `SamplingError` if a coordinate of x (…, chains, D) is not a number, or beyond `reach`."""
    greatest, least = float(x.max()), float(x.min())
    if -reach < least and greatest < reach:
        return
    with np.errstate(all="ignore"):
        gone = ~(np.abs(x).max(axis=-1) < reach)
    chain = int(np.nonzero(gone)[-1][0])
    raise SamplingError(
        origin=ORIGIN,
        what=f"chain {chain} left to infinity, and {int(gone.sum()) - 1} more of {gone.size}: |x| > {reach:g}",
        hint=f"{reason}; bounds=… holds chains back, a smaller step_size does where steps overshoot",
    )
