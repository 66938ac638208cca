"""The networks on images that are measured, as smgen describes them and as the peers are told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np

import smgen as sm
from smgen.bench.rounds import Case
from smgen.layers.nodes import Node
from smgen.network import Network

FUNCTIONS: Final[dict[str, Callable[[Node], Node]]] = {"logcosh": sm.logcosh, "softplus": sm.softplus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Square convolutions on each other, a nonlinearity after each; the energy is the sum of the last."""

    shape: tuple[int, int, int]
    channels: tuple[int, ...]
    kernel: int
    strides: tuple[int, ...]
    padding: int
    function: str
    bias: bool

    def network(self) -> Network:
        """As smgen describes it."""
        h = sm.input(self.shape)
        for channels, stride in zip(self.channels, self.strides, strict=True):
            h = sm.conv2d(h, channels, self.kernel, stride=stride, padding=self.padding, bias=self.bias)
            h = FUNCTIONS[self.function](h)
        return Network(energy=h)

    @property
    def receptive(self) -> int:
        """Pixels in a row that a unit of the last layer sees: pixels so far apart are not in one unit's view."""
        return 1 + sum((self.kernel - 1) * prod(self.strides[:layer]) for layer in range(len(self.strides)))

    @property
    def settings(self) -> dict[str, Any]:
        """The constants of the peers' programs."""
        return {
            "SHAPE": self.shape,
            "STRIDES": self.strides,
            "PADDING": self.padding,
            "FUNCTION": self.function,
            "PERIOD": self.receptive,
        }


FIELD: Final = Stack(
    shape=(1, 64, 64), channels=(64,), kernel=7, strides=(1,), padding=0, function="logcosh", bias=False
)
"""A field of experts: 64 filters of 7×7 at every place of 1×64×64 under log cosh, without bias."""

CONVOLUTIONS: Final = Stack(
    shape=(3, 32, 32), channels=(64, 64, 128), kernel=3, strides=(1, 2, 2), padding=1, function="softplus", bias=True
)
"""3×32×32 → 64×32×32 → 64×16×16 → 128×8×8, 3×3, softplus."""

STACKS: Final = {"field of experts": FIELD, "convolutions": CONVOLUTIONS}


def data_of(stack: Stack, case: Case) -> dict[str, Any]:
    """Standard normal data, filters that keep its scale, small biases."""
    rng = np.random.default_rng(0)
    arrays = {}
    for key, shape in stack.network().parameters.items():
        scale = 1 / np.sqrt(prod(shape[1:])) if len(shape) > 1 else 0.1
        arrays[key] = scale * rng.standard_normal(shape)
    arrays["x"] = np.random.default_rng(1).standard_normal((case.samples, prod(stack.shape)))
    return {key: value.astype(case.dtype) for key, value in arrays.items()}
