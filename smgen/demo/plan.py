"""How much is learned, in full and in a hurry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smgen.demo.optimise import Training


@dataclass(frozen=True)
class Part:
    """One thing to learn: its description in nets/, the side of a patch, how many patches, and how long."""

    net: str
    size: int
    patches: int
    training: Training


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
    filters=Part("ica", 12, 100_000, Training(steps=2500, batch=500, rate=0.01, lam=0.01)),
    small=Part("ica_small", 8, 100_000, Training(steps=2500, batch=500, rate=0.01, lam=0.01)),
    denoiser=Part("denoiser", 8, 400_000, Training(steps=7000, batch=500, rate=0.006)),
)
QUICK: Final = Plan(
    filters=Part("ica", 12, 10_000, Training(steps=60, batch=200, rate=0.03, lam=0.01)),
    small=Part("ica_small", 8, 10_000, Training(steps=60, batch=200, rate=0.03, lam=0.01)),
    denoiser=Part("denoiser", 8, 20_000, Training(steps=200, batch=200, rate=0.02)),
)
