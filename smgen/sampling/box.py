"""Bounds of the coordinates, and reflection at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.errors import shortened
from smgen.sampling.checks import ORIGIN, refused
from smgen.sampling.errors import SamplingError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """The box low ≤ x ≤ high, (D,) each, −∞ and +∞ where a coordinate has no bound."""

    low: Floats
    high: Floats
    bounded: bool

    @classmethod
    def of(cls, bounds: object, dimension: int, dtype: Any) -> Box:
        """The box of `bounds=(low, high)`: numbers or arrays (D,), with None or ±∞ for no bound.

        Bounds are rounded to the density's dtype: then positions within them stay so when they are rounded to it.
        """
        if bounds is None:
            return cls(np.full(dimension, -np.inf), np.full(dimension, np.inf), bounded=False)
        if not isinstance(bounds, tuple | list) or len(bounds) != 2:
            raise refused("bounds", bounds, "a pair (low, high)", "bounds=(0, None) keeps every coordinate above 0")
        low, high = _side("low", bounds[0], -np.inf, dimension), _side("high", bounds[1], np.inf, dimension)
        with np.errstate(over="ignore"):
            low, high = low.astype(dtype).astype(np.float64), high.astype(dtype).astype(np.float64)
        empty = ~(low < high)
        if empty.any():
            d = int(np.argmax(empty))
            raise SamplingError(
                origin=ORIGIN,
                what=f"bounds leave no room for coordinate {d}: from {low[d]:g} to {high[d]:g}",
                hint="give each coordinate a low bound below its high bound",
            )
        return cls(low, high, bounded=bool(np.isfinite(low).any() or np.isfinite(high).any()))

    def outside(self, x: Floats) -> npt.NDArray[np.bool_]:
        """Which rows of x (N, D) have a coordinate out of the box, (N,)."""
        return np.asarray(np.any((x < self.low) | (x > self.high), axis=-1))

    def fold(self, x: Floats, momentum: Floats | None = None) -> None:
        """Reflect x (…, D), and the momentum with it, at the bounds as often as needed, in place.

        A particle that flies straight ahead and bounces off the walls arrives where folding puts the end of its free
        flight: with low = 0 and high = w, at the triangular wave of x with period 2w. The momentum changes its sign
        once a bounce. The map of (x, momentum) preserves volume and is its own inverse once the momentum is turned.
        """
        if not self.bounded:
            return
        outside = (x < self.low) | (x > self.high)
        if not outside.any():
            return
        at, d = x[outside], np.nonzero(outside)[-1]
        low, high = self.low[d], self.high[d]
        width = high - low
        two_sided = np.isfinite(width)
        nearest = np.where(at < low, low, high)
        with np.errstate(all="ignore"):
            bounces = np.where(two_sided, np.floor((at - low) / width), 1.0)
            rest = (at - low) - bounces * width
            odd = bounces % 2 != 0
            folded = np.where(two_sided, np.where(odd, high - rest, low + rest), 2 * nearest - at)
        x[outside] = np.clip(folded, low, high)
        if momentum is not None:
            momentum[outside] = np.where(odd, -momentum[outside], momentum[outside])


def _side(name: str, value: object, missing: float, dimension: int) -> Floats:
    """One side of the bounds, (D,), with `missing` for None."""
    wanted = f"a number, None, or an array ({dimension},) of them"
    side = f"the {name} side of bounds"
    if isinstance(value, str | bytes | bool):
        raise refused(side, value, wanted)
    try:
        numbers = np.array(value, dtype=object)
        flat = [missing if v is None else float(v) for v in numbers.ravel()]
    except (TypeError, ValueError, OverflowError):
        raise refused(side, value, wanted) from None
    if numbers.shape not in ((), (dimension,)):
        raise SamplingError(
            origin=ORIGIN,
            what=f"{side} has shape {numbers.shape}: {shortened(value)}",
            hint=f"give {wanted}",
        )
    result = np.broadcast_to(np.array(flat, dtype=np.float64).reshape(numbers.shape), (dimension,)).copy()
    if np.isnan(result).any() or (result == -missing).any():
        raise refused(side, value, f"{wanted}, and {-missing:g} and nan are no bounds there")
    return result
