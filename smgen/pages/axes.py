"""Axes of charts: from numbers to places, and the ticks between."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.pages.numbers import MINUS, number, power_of_ten

Array = npt.NDArray[Any]

DECADES: Final = 1.5
"""Positive values that span more decades are shown on a logarithmic axis."""

FAR: Final = 1e3
"""Values with this ratio of the greatest size to the median are shown on an axis that is logarithmic at its ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The values from `low` to `high`, spread evenly after a map: v, log v, or arsinh(v / unit) with a unit above 0."""

    low: float
    high: float
    is_log: bool = False
    unit: float = 0.0

    def part(self, values: Any) -> Array:
        """Where values are between the ends: 0 at `low`, 1 at `high`; NaN where there is no place."""
        with np.errstate(all="ignore"):
            low, high, at = (self._mapped(np.asarray(v, np.float64)) for v in (self.low, self.high, values))
            return np.asarray((at - low) / (high - low))

    def _mapped(self, values: Array) -> Array:
        if self.is_log:
            return np.log(values)
        return np.arcsinh(values / self.unit) if self.unit else values

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Round values between the ends, with their texts."""
        if self.is_log or self.unit:
            ticks = _powers(self.low, self.high, self.unit)
            if len(ticks) > 2:
                return ticks
        return _round(self.low, self.high)


def spanning(*values: Any, margin: float = 0.05) -> Axis:
    """An even axis over all finite values, with a margin on each side."""
    low, high = _ends(values)
    room = margin * (high - low)
    return Axis(low=low - room, high=high + room)


def fitting(*values: Any) -> Axis:
    """The axis on which the values can be told apart: even, logarithmic, or logarithmic at its ends only."""
    finite = _finite(values)
    if len(finite) and finite.min() > 0 and log10(finite.max() / finite.min()) > DECADES:
        low, high = float(finite.min()), float(finite.max())
        room = (high / low) ** 0.05
        return Axis(low=low / room, high=high * room, is_log=True)
    sizes = np.abs(finite[finite != 0])
    if len(sizes) and sizes.max() > FAR * np.median(sizes):
        low, high = float(finite.min()), float(finite.max())
        return Axis(
            low=1.5 * low if low < 0 else 0.0, high=1.5 * high if high > 0 else 0.0, unit=float(np.median(sizes))
        )
    return spanning(*values)


def _finite(values: Any) -> Array:
    flat = np.concatenate([np.asarray(v, np.float64).ravel() for v in values]) if values else np.zeros(0)
    return np.asarray(flat[np.isfinite(flat)])


def _ends(values: Any) -> tuple[float, float]:
    finite = _finite(values)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if low == high:
        room = abs(low) / 2 or 0.5
        return low - room, high + room
    return low, high


def _round(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """About six multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 6
    power = floor(log10(rough))
    step = next(s * 10.0**power for s in (1, 2, 5, 10) if s * 10.0**power >= rough * 0.999)
    values = [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    largest = max(map(abs, values), default=0.0)
    if not step >= 1e-4 or largest >= 1e6:
        return tuple((v, number(v)) for v in values)
    decimals = max(0, -floor(log10(step)))
    return tuple((v, f"{v:.{decimals}f}".replace("-", MINUS)) for v in values)


def _powers(low: float, high: float, unit: float) -> tuple[tuple[float, str], ...]:
    """Powers of ten, at most about six on each side of 0, and 0."""
    least = unit or low
    ticks: list[tuple[float, str]] = []
    for sign, end in ((-1, -low), (1, high)):
        if end <= 0:
            continue
        first, last = ceil(log10(least) - 1e-9), floor(log10(end) + 1e-9)
        step = max(1, ceil((last - first) / 5))
        texts = (
            (sign * 10.0**k, f"{MINUS if sign < 0 else ''}{power_of_ten(k)}") for k in range(first, last + 1, step)
        )
        ticks += [(value, text) for value, text in texts if low <= value <= high]
    return tuple(sorted([*ticks, (0.0, "0")] if unit else ticks))
