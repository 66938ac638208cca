"""All parameters of a module side by side in one vector, so that an optimiser takes a few passes over them in all."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import ModuleType
from typing import Any

from smgen.models.device import namespace


class Flat:
    """A vector of the module's dtype, on its device, and `parts`, the parameters as views of it, by name."""

    def __init__(self, module: ModuleType, values: Mapping[str, Any] | None = None) -> None:
        self.shapes: Mapping[str, tuple[int, ...]] = module.PARAMS
        self.xp = namespace(module)
        self.vector = self.xp.zeros(sum(map(prod, self.shapes.values())), module.DTYPE)
        self.parts = self.views(self.vector)
        if values is not None:
            self.fill(values)

    def views(self, vector: Any) -> dict[str, Any]:
        """The parameters in a vector of the same kind."""
        parts, start = {}, 0
        for name, shape in self.shapes.items():
            parts[name] = vector[start : start + prod(shape)].reshape(shape)
            start += prod(shape)
        return parts

    def fill(self, values: Mapping[str, Any]) -> None:
        """Copy parameters, or a gradient, into the vector."""
        for name, part in self.parts.items():
            part[...] = values[name]
