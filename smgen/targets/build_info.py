"""The information about a build that every target needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Final

import numpy as np
import numpy.typing as npt

from smgen.analysis.exactness import Verdict
from smgen.errors import counted
from smgen.hessians import DIAGONAL, MODES, Method, Mode
from smgen.ir import Function, PublicFunction, Shape, functions_for, public_functions, public_losses
from smgen.network import Network
from smgen.objectives import OBJECTIVES, Objective
from smgen.targets.choice import USUAL_ONES, listed

NO_DELTA_PRIME: Final = "no function computes δ′"
"""The reason for `exact` in the metadata of modules without δ′."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCondition:
    """A condition: its name, its shape for one sample, its least and greatest number, and whether it holds a label."""

    name: str
    shape: tuple[int, ...]
    least: float
    greatest: float
    is_label: bool

    @property
    def bounds(self) -> str:
        """The least and the greatest number as Python source, None for no bound."""
        return ", ".join(repr(bound) if isfinite(bound) else "None" for bound in (self.least, self.greatest))

    @property
    def shape_text(self) -> str:
        """The shape as Python source."""
        return shape_text(self.shape)


def conditions_of(network: Network) -> tuple[GivenCondition, ...]:
    """The conditions of a network, in the order in which they stand beside x."""
    found = []
    for v in network.given[1:]:
        counts = [k.layer.labels for k in network.varying if v.name in k.operands and k.layer.labels is not None]
        least, greatest = v.layer.range([])
        if counts:
            least, greatest = max(least, 0.0), min(greatest, min(counts) - 1.0)
        found.append(GivenCondition(name=v.name, shape=v.shape, least=least, greatest=greatest, is_label=bool(counts)))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfo:
    """Information about a build, for the module's header, its `METADATA` and its templates.

    `objectives` are those of its losses, `public` the functions that users call; `chosen` says that the user
    named them. `tensors` says whether a value has more than one axis.
    """

    name: str
    stem: str
    description: str
    formulas: tuple[str, ...]
    fingerprint: str
    template_fingerprint: str
    generator: str
    command: str
    backend: str
    dtype: str
    method: Method
    memory: int | None
    quality: Verdict
    layers: tuple[str, ...]
    parameters: Mapping[str, tuple[int, ...]]
    initial: Mapping[str, float | None]
    shape: tuple[int, ...]
    tensors: bool
    conditions: tuple[GivenCondition, ...]
    fixed: Mapping[str, npt.NDArray[np.float64]]
    objectives: tuple[Objective, ...]
    public: tuple[PublicFunction, ...]
    chosen: bool

    @property
    def units(self) -> int:
        """The number of values of x."""
        return prod(self.shape)

    @property
    def row(self) -> int:
        """The number of values of x and its conditions."""
        return self.units + sum(prod(condition.shape) for condition in self.conditions)

    @property
    def beside_x(self) -> str:
        """What stands beside x in the rows that C takes."""
        parts = [f"{condition.name} ({prod(condition.shape)})" for condition in self.conditions]
        return f", the {self.units} of x and then {', '.join(parts)}" if parts else ""

    @property
    def image(self) -> str:
        """The shape of x as source; nothing if x is a row."""
        return shape_text(self.shape) if len(self.shape) > 1 else ""

    @property
    def image_text(self) -> str:
        """The axes of x."""
        return ", ".join(map(str, self.shape))

    @property
    def hessian(self) -> Mode:
        """The hessian mode."""
        return MODES[self.method.hessian]

    @property
    def metadata(self) -> dict[str, object]:
        """`METADATA` of the generated module; its order is the order in the file.

        `input` is the shape of a sample, `conditions` has those of the conditions.
        """
        chosen: dict[str, object] = {
            "network": self.name,
            "input": self.shape,
            "conditions": {condition.name: condition.shape for condition in self.conditions},
            "objective": ",".join(objective.name for objective in self.objectives),
            "description_sha256": self.fingerprint,
            "template_sha256": self.template_fingerprint,
            "generator": self.generator,
            "backend": self.backend,
            "dtype": self.dtype,
            "hessian": self.method.hessian,
            "batch_size": self.method.batch_size,
            "exact": self.quality.exact or not self.curved,
            "reason": self.quality.reason if self.curved else NO_DELTA_PRIME,
        }
        if self.hessian.takes_probes:
            chosen |= {"probes": self.method.probes, "distribution": self.method.distribution}
        if self.memory is not None:
            chosen["memory_mib"] = self.memory
        if self.chosen:
            chosen["functions"] = listed(self.public)
        return chosen

    @property
    def functions(self) -> tuple[Function, ...]:
        """What is lowered."""
        return functions_for(self.public)

    @property
    def absent(self) -> Iterator[tuple[str, str]]:
        """The functions that a module could have besides, and the options of a build that has them."""
        for public in public_functions(self.objectives):
            if public not in self.public:
                yield public.name, f"--functions {'…' if self.chosen else USUAL_ONES},{public.name}"
        named = ",".join(objective.name for objective in self.objectives)
        for objective in (o for o in OBJECTIVES.values() if o not in self.objectives):
            for public in public_losses(objective).all:
                yield public.name, f"--objective {named},{objective.name}"

    @property
    def evaluates(self) -> bool:
        """Whether a function returns means of losses alone."""
        losses = [public_losses(objective) for objective in self.objectives]
        return any(public in (known.loss, known.terms) for public in self.public for known in losses)

    @property
    def curved(self) -> bool:
        """Whether a function computes δ′, so that it matters how."""
        return any(function.curved for function in self.functions)

    @property
    def gradients(self) -> bool:
        """Whether a function returns gradients."""
        return any(function.gradients for function in self.functions)

    @property
    def mode(self) -> str:
        """The hessian mode as a part of the names of files and C functions; empty for the default."""
        return "" if self.hessian is DIAGONAL else f"_{self.hessian.name}"

    @property
    def file(self) -> str:
        """The name of the module's file, without the extension."""
        return f"{self.stem}{self.mode}_{self.backend}"

    @property
    def budget_text(self) -> str:
        """Where the memory budget comes from."""
        return "a quarter of what is free at the first" if self.memory is None else f"--memory {self.memory}, in MiB"

    @property
    def takes_probes(self) -> bool:
        """Whether functions take probes."""
        return self.hessian.takes_probes and self.curved

    @property
    def gaussian(self) -> bool:
        """Whether probes are normal."""
        return self.method.distribution == "gaussian"

    @property
    def probe_values(self) -> str:
        """The entries of probes, in words."""
        return "from N(0, 1)" if self.gaussian else "1 or −1"

    @property
    def single_probe(self) -> bool:
        """Whether there is a single probe a sample, so that there is no loss for λ > 0."""
        return self.takes_probes and self.method.probes == 1

    @property
    def hessian_phrase(self) -> str:
        """How δ′ is computed, as a phrase after "∂²E/∂x_d²"."""
        return self.hessian.hessian_phrase

    @property
    def probes_text(self) -> str:
        """The number of probes, in words: `1 probe`."""
        return counted(self.method.probes, "probe")

    @property
    def verdict_sentence(self) -> str:
        """A sentence about the quality of δ′."""
        if not self.curved:
            return "No function here computes δ′."
        if self.quality.flat:
            return f"Of no use in training: {self.quality.reason}."
        return self.hessian.verdict_sentence(self.quality)


def shape_text(shape: Shape) -> str:
    """A shape as Python source."""
    dims = [f'"{dim}"' if isinstance(dim, str) else str(dim) for dim in shape]
    return f"({', '.join(dims)}{',' * (len(shape) == 1)})"
