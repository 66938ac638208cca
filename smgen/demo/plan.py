"""How much is learned, in full and in a hurry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEVEL: Final = 1 / 255
"""The step of grey levels."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing to learn: its description in nets/, the side of a patch, how many patches, how long and how boldly."""

    net: str
    size: int
    patches: int
    steps: int
    batch: int
    rate: float
    lam: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The three things to learn."""

    filters: Part
    small: Part
    denoiser: Part

    @property
    def parts(self) -> dict[str, Part]:
        """By what the display calls them."""
        sizes = {f"filters of {part.size}×{part.size} patches": part for part in (self.filters, self.small)}
        return {**sizes, f"denoiser of {self.denoiser.size}×{self.denoiser.size} patches": self.denoiser}


FULL: Final = Plan(
    filters=Part(net="ica", size=12, patches=100_000, steps=2500, batch=500, rate=0.01, lam=0.01),
    small=Part(net="ica_small", size=8, patches=100_000, steps=2500, batch=500, rate=0.01, lam=0.01),
    denoiser=Part(net="denoiser", size=8, patches=400_000, steps=7000, batch=500, rate=0.02),
)
QUICK: Final = Plan(
    filters=Part(net="ica", size=12, patches=10_000, steps=60, batch=200, rate=0.03, lam=0.01),
    small=Part(net="ica_small", size=8, patches=10_000, steps=60, batch=200, rate=0.03, lam=0.01),
    denoiser=Part(net="denoiser", size=8, patches=20_000, steps=200, batch=200, rate=0.05),
)
