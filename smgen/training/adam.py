"""Adam on one vector, in place."""

from __future__ import annotations

from typing import Any, Final

MEAN_DECAY: Final = 0.9
SQUARE_DECAY: Final = 0.999
TINY: Final = 1e-8
AVERAGED: Final = 8


class Adam:
    """θ ← (1 − rate · decay) θ − rate · m̂ / (√v̂ + 1e-8), with the running means m of the gradient g and v of g².

    m̂ and v̂ are corrected for the start at 0. (Kingma and Ba 2015; weight decay apart from the gradient: Loshchilov
    and Hutter 2019.) `mean` is m / (1 − 0.9) and `square` v / (1 − 0.999): sums take fewer passes over memory than
    means, and a step of a small network lasts as long as a few dozen of them. `xp` is NumPy or CuPy.
    """

    def __init__(self, xp: Any, theta: Any) -> None:
        self.xp, self.mean, self.square = xp, xp.zeros_like(theta), xp.zeros_like(theta)
        self._room = xp.empty_like(theta)

    def update(self, theta: Any, gradient: Any, *, step: int, rate: float, decay: float) -> None:
        """One step, counted from 0. `gradient` is left as it is."""
        xp, room = self.xp, self._room
        self.mean *= MEAN_DECAY
        self.mean += gradient
        xp.multiply(gradient, gradient, out=room)
        self.square *= SQUARE_DECAY
        self.square += room
        root = ((1 - SQUARE_DECAY) / (1 - SQUARE_DECAY ** (step + 1))) ** 0.5  # √v̂ = root √square
        xp.sqrt(self.square, out=room)
        room += TINY / root
        xp.divide(self.mean, room, out=room)
        room *= rate * (1 - MEAN_DECAY) / (1 - MEAN_DECAY ** (step + 1)) / root
        if decay:
            theta *= 1 - rate * decay
        theta -= room


def clip(xp: Any, gradient: Any, greatest: float) -> None:
    """Scale a gradient whose norm is above `greatest` down to it, without waiting for a device."""
    norm = xp.sqrt(xp.dot(gradient, gradient))
    gradient *= xp.minimum(1, greatest / xp.maximum(norm, 1e-30)).astype(gradient.dtype)


def average(xp: Any, mean: Any, theta: Any, beta: float, *, step: int, since: int, room: Any) -> None:
    """mean ← βⁿ mean + (1 − βⁿ) θ after n = `since` more steps, `step` in all.

    β is smaller in the first steps: the mean forgets where θ began.
    """
    beta = min(beta, step / (step + 9)) ** since
    xp.subtract(theta, mean, out=room)
    room *= 1 - beta
    mean += room
