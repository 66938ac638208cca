"""What a kind of layer states. Sweeps, hessian modes, verdict, oracle and tables are derived from it.

Two families suffice. A *linear* layer is g = A g_p + b; it states A v, Aᵀ v, A ∘ A and the gradient of lᵀ A r by what
A is made of (`linear_maps`). A *pointwise* layer is g = f(a, b, …), unit by unit; all of it follows from f. Every
equation is a derivative of one scalar a vertex k, summed over the inputs p that depend on x,

    Φ_k = γ_k g_k + Σ_p μ_p δ_p|k + Σ_p ν_p δ′_p|k,    δ_p|k = J_pᵀ δ_k,    δ′_p|k = (J_p ∘ J_p)ᵀ δ′_k + f_pp δ_k,

with J_p = ∂g_k/∂g_p and the second derivatives f_pq of a pointwise layer (0 of a linear one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.calculus.derivatives import Nonlinearity
from smgen.calculus.domains import Ends
from smgen.calculus.intervals import Interval
from smgen.calculus.partials import Partials
from smgen.ir import Contribution, Emitter, Name
from smgen.layers.patterns import Paths

Array: TypeAlias = npt.NDArray[Any]
Naming: TypeAlias = Callable[[str], Name]
"""The name of a parameter's gradient term, by parameter."""
Differentiate: TypeAlias = Callable[[sp.Expr, Mapping[sp.Symbol, Array], tuple[sp.Symbol, ...]], Array]
"""An expression's derivative by these symbols, for arrays in place of its symbols."""
Equations: TypeAlias = Literal["linear", "pointwise", "general"]
"""Which of the source's equations are a layer's: fully connected, pointwise, or those of any graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One layer of a network: the names of what it reads, in its own order, and where the user wrote it.

    `inputs` are the operands that depend on x, each once; the others, `constants`, depend on parameters alone.
    """

    name: str
    layer: Layer
    operands: tuple[str, ...]
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    origin: str = field(compare=False)

    @property
    def units(self) -> int:
        """How many numbers a sample has of it."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def constants(self) -> tuple[str, ...]:
        """Operands that are the same for all samples, each once."""
        return tuple(name for name in dict.fromkeys(self.operands) if name not in self.inputs)


class Lowered(Protocol):
    """A layer in a schedule that is being written. What passes it may belong to any sweep: g, δ, adjoints, tangents."""

    @property
    def value(self) -> sp.Expr:
        """g."""

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The inputs two by two whose second derivative f_pq is not 0 by its formula, each pair once."""

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        """Σ_p J_p v_p, or with J_p ∘ J_p: (11), (12), (13), (18), (20)."""

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        """J_pᵀ v for an operand p, or with J_p ∘ J_p: (1), (14), (15)."""

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        """Σ_n ∂(leftᵀ J_p right)/∂θ, or with J_p ∘ J_p, for the parameters J_p is made of: (16), (17)."""

    def partial(self, *operands: str) -> sp.Expr:
        """The derivative of a unit by the same unit of these operands, one to three; 0 of a linear layer."""


class Slope(Protocol):
    """∂g/∂g_p in numbers."""

    def forward(self, value: Array, *, squared: bool = False) -> Array:
        """J v, (…, units of p) → (…, units)."""

    def backward(self, value: Array, *, squared: bool = False) -> Array:
        """Jᵀ v, (N, units) → (N, units of p)."""


class Layer(Protocol):
    """A kind of layer, with what one layer of it has of its own. Frozen, compared by value."""

    @property
    def kind(self) -> str:
        """What names of its layers begin with."""

    @property
    def text(self) -> str:
        """Canonical form for the fingerprint."""

    def summary(self, operands: Sequence[str]) -> str:
        """For people: what it computes of these operands."""

    @property
    def is_data(self) -> bool:
        """Whether it is x."""

    @property
    def init(self) -> sp.Expr | None:
        """What all numbers of a parameter start with; None where they are drawn."""

    @property
    def equations(self) -> Equations:
        """Whose numbers its operations carry."""

    @property
    def mixes(self) -> bool:
        """Whether a unit depends on many units of an input."""

    @property
    def function(self) -> Partials | None:
        """f with its partial derivatives, where it is a function of units of its operands."""

    @property
    def nonlinearity(self) -> Nonlinearity | None:
        """f with its derivatives, where it is a function of one unit."""

    @property
    def kinks(self) -> bool:
        """Whether f has a slope that jumps, so that f″ holds almost everywhere only."""

    @property
    def domain(self) -> Ends | None:
        """What its author says of the operand of a function of one unit."""

    def prepare(self, v: Vertex) -> None:
        """Raise `UnsupportedNonlinearity` where a derivative that will be needed has no formula."""

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        """Write its value, called `name`."""

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        """Its value in numbers, (N, units); operands that are constant have no samples."""

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        """∂g/∂g_p in numbers."""

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> Array | None:
        """f_pq in numbers, (N, units); None where it is 0."""

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        """The pairs of inputs, each once, with f_pq ≠ 0."""

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        """How many paths lead from each x_d to each unit."""

    def range(self, below: Sequence[Interval]) -> Interval:
        """An interval that holds all its values, by those of its operands."""

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        """Its value as people write it for an array library, of operands that are written like this."""

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        """Jᵀ v likewise, or with J ∘ J."""

    def spelled_f_second(self, v: Vertex, source: str, names: Mapping[str, str]) -> str | None:
        """f_pp likewise; None where it is 0."""
