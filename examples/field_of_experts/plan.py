"""How much is learned and compared, in full and in a hurry.

The README says what these numbers were chosen by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from examples.field_of_experts.learning import Part
from smgen.demo.optimise import Training

SIGMA: Final = 25 / 255
"""The noise that is to be removed."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`denoiser` learns at the noise that it removes, `prior` at a little noise, for everything else.

    `crops` training crops of `crop` × `crop` pixels choose `weights` of the prior, in denoising, and `widths` s of the
    data term, in enlarging. Only `window` pixels of a held-out photograph are taken, if not 0.
    """

    denoiser: Part
    prior: Part
    crop: int
    crops: int
    steps_denoising: int
    steps_enlarging: int
    window: int
    weights: tuple[float, ...] = (0.3, 0.4, 0.5, 0.7, 1.0)
    widths: tuple[float, ...] = (0.25 / 255, 0.5 / 255, 1 / 255, 2 / 255)


FULL: Final = Plan(
    denoiser=Part(SIGMA, 20, 20_000, Training(steps=1000, batch=32, rate=0.02)),
    prior=Part(5 / 255, 20, 20_000, Training(steps=1000, batch=32, rate=0.02, lam=0.02)),
    crop=128,
    crops=8,
    steps_denoising=60,
    steps_enlarging=40,
    window=0,
)
QUICK: Final = Plan(
    denoiser=Part(SIGMA, 20, 2_000, Training(steps=80, batch=16, rate=0.05)),
    prior=Part(5 / 255, 20, 2_000, Training(steps=80, batch=16, rate=0.05, lam=0.02)),
    crop=64,
    crops=3,
    steps_denoising=20,
    steps_enlarging=10,
    window=64,
)
