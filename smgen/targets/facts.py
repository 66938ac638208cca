"""What every backend is told about the module it emits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smgen.analysis.exactness import Verdict
from smgen.hessians import DIAGONAL, MODES, Method, Mode
from smgen.ir import Function, PublicFunction, Shape, functions_for, public_functions
from smgen.targets.choice import listed
from smgen.targets.probe_arguments import Pieces, pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of a build that end up in the module's header and `METADATA`.

    `public` are the functions that users call; `chosen` says that they were asked for by name.
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
    units: int
    public: tuple[PublicFunction, ...]
    chosen: bool

    @property
    def hessian(self) -> Mode:
        """The hessian mode."""
        return MODES[self.method.hessian]

    @property
    def metadata(self) -> dict[str, str | bool | int]:
        """`METADATA` of the generated module; its order is the order in the file."""
        chosen: dict[str, str | bool | int] = {
            "network": self.name,
            "description_sha256": self.fingerprint,
            "template_sha256": self.template_fingerprint,
            "generator": self.generator,
            "backend": self.backend,
            "dtype": self.dtype,
            "hessian": self.method.hessian,
            "batch_size": self.method.batch_size,
            "exact": self.quality.exact,
            "reason": self.quality.reason,
        }
        if self.hessian.draws:
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
    def whole(self) -> bool:
        """Whether the module has every function there is."""
        return self.public == public_functions()

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
        """What the names of files and C functions say of the hessian mode: nothing if it is the default."""
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
    def draws(self) -> bool:
        """Whether functions take probes."""
        return self.hessian.draws and self.curved

    @property
    def gaussian(self) -> bool:
        """Whether probes are normal."""
        return self.method.distribution == "gaussian"

    @property
    def entries(self) -> str:
        """What probes are made of."""
        return "from N(0, 1)" if self.gaussian else "1 or −1"

    @property
    def single_probe(self) -> bool:
        """Whether there is one probe a sample, which says nothing of λ > 0."""
        return self.draws and self.method.probes == 1

    @property
    def pieces(self) -> Pieces:
        """What only modules with probes have in signatures and calls."""
        real = "float" if self.dtype == "float32" else "double"
        return pieces(draws=self.draws, single=self.single_probe, real=real)

    @property
    def way(self) -> str:
        """How δ′ is computed, after "∂²E/∂x_d²"."""
        return self.hessian.way

    @property
    def statement(self) -> str:
        """The quality of δ′ in a sentence."""
        if self.quality.flat:
            return f"Of no use in training: {self.quality.reason}."
        return self.hessian.statement(self.quality)


def shape_text(shape: Shape) -> str:
    """A shape as Python source."""
    dims = [f'"{dim}"' if isinstance(dim, str) else str(dim) for dim in shape]
    return f"({', '.join(dims)}{',' * (len(shape) == 1)})"
