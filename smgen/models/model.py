"""A trained model: a generated module, its parameters, and the coordinates that it was trained in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.data.transform import Transform
from smgen.density import Density
from smgen.errors import BuildError
from smgen.models.device import all_placed, on_host, placed
from smgen.models.record import Record
from smgen.network import Network
from smgen.objectives import chosen_objectives

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The density p(x) ∝ exp(−E(A (x − m))), E the energy of `module` with `params`, A and m of `transform`.

    Samples are arrays (N, …) as the data were. Conditions of the network come by name, one for each sample or one for
    all. `network` is what the module was generated from, `source` the text of net.py, `code` that of the module; all
    may be missing.
    """

    params: Mapping[str, Array]
    transform: Transform
    record: Record
    module: ModuleType | None = None
    network: Network | None = None
    source: str = ""
    code: str = ""

    def energy(self, x: Array, **conditions: Any) -> Array:
        """E of each sample, (N,), float64; log p(x) = −E(x) + a constant. Raises `ValueError` for a wrong shape."""
        rows = self._rows(x)
        return self.density(**conditions).energy(self._inner(rows)).astype(np.float64)

    def score(self, x: Array, **conditions: Any) -> Array:
        """∂ log p/∂x of each sample, of the shape of x, float64."""
        rows = self._rows(x)
        inner = self.density(**conditions).score(self._inner(rows))
        return self.transform.pull_back(inner).reshape(np.shape(x))

    def density(self, **conditions: Any) -> Density:
        """The density of z = A (x − m), (N, D), which samplers and evaluation take, given conditions.

        A condition is that of one sample, which is repeated for all, or has one for each.
        """
        module = self.needs_module()
        shape = self.record.shape

        params = all_placed(module, self.params)

        def given(z: Array) -> dict[str, Any]:
            return all_placed(module, {name: self.for_each(name, value, len(z)) for name, value in conditions.items()})

        def whole(z: Array) -> Any:
            return placed(module, np.ascontiguousarray(z, module.DTYPE).reshape(len(z), *shape))

        def energy(z: Array) -> Array:
            return on_host(module.energy(params, whole(z), **given(z)))

        def score(z: Array) -> Array:
            return on_host(module.score(params, whole(z), **given(z))).reshape(len(z), -1)

        def fused(z: Array) -> tuple[Array, Array]:
            energies, scores = module.energy_and_score(params, whole(z), **given(z))
            return on_host(energies), on_host(scores).reshape(len(z), -1)

        return Density(
            dimension=prod(shape),
            energy=energy,
            score=score,
            fused=fused if hasattr(module, "energy_and_score") else None,
            dtype=module.DTYPE,
        )

    @property
    def conditions(self) -> dict[str, tuple[int, ...]]:
        """The conditions of the network, with the shape of one."""
        conditions: dict[str, tuple[int, ...]] = self.needs_module().METADATA["conditions"]
        return conditions

    @property
    def domain(self) -> tuple[float | None, float | None] | None:
        """The bounds of the data that the objective is for, if it has any."""
        (objective,) = chosen_objectives(self.record.objective)
        return None if objective.domain == (None, None) else objective.domain

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The conditions that were given. Raises `BuildError` for one that the network does not have."""
        for name in given:
            if name not in self.conditions:
                hint = f"it has {', '.join(self.conditions)}" if self.conditions else "it has none"
                raise BuildError(what=f"conditions: the network has no condition {name!r}", hint=hint)
        return dict(given)

    def for_each(self, name: str, value: Any, count: int) -> Array:
        """A condition for each of `count` samples: one that was given for all is repeated."""
        array = np.asarray(value)
        one = array.reshape(self.conditions[name]) if self.is_one(name, array) else None
        return array if one is None else np.repeat(one[None], count, axis=0)

    def is_one(self, name: str, value: Any) -> bool:
        """Whether a condition was given as one for all samples: of its own shape, or a number."""
        shape = self.conditions[name]
        return np.shape(value) == shape or (shape == (1,) and np.shape(value) == ())

    def outer(self, z: Array) -> Array:
        """Samples in the coordinates of the data, (N, …), from those of the network, (N, D)."""
        return self.transform.backward(z).reshape(len(z), *self.record.sample_shape)

    def inner(self, x: Array) -> Array:
        """Samples in the coordinates of the network, (N, D) of the module's dtype."""
        return self._inner(self._rows(x))

    def needs_module(self) -> ModuleType:
        """The module. Raises `BuildError` if the model was loaded without one."""
        if self.module is None:
            raise BuildError(
                what="this model was loaded without its module: its net.py, which is Python, has not been run",
                hint="smgen.load(folder, trust=True) runs it; do that only with folders you trust",
            )
        return self.module

    def _inner(self, rows: Array) -> Array:
        return np.ascontiguousarray(self.transform.forward(rows, self.needs_module().DTYPE))

    def _rows(self, x: Array) -> Array:
        """Samples as rows, (N, M)."""
        x = np.asarray(x)
        wanted = self.record.sample_shape
        if x.dtype.kind not in "fiub" or x.ndim < 1 or not len(x) or x.shape[1:] not in (wanted, (prod(wanted),)):
            raise ValueError(
                f"x: expected real numbers of shape (N, {', '.join(map(str, wanted))}), got {x.dtype} {x.shape}"
            )
        return x.reshape(len(x), -1)
