"""The protocol of a kind of layer. Sweeps, hessian modes, the verdict and all tables are derived from it.

There are two families. A *linear* layer, g = A g_p + b, states A v, Aᵀ v, A ∘ A and the gradient of lᵀ A r by the
parameters of A (`linear_maps`). A *pointwise* layer, g = f(a, b, …) unit by unit, states f alone. Every equation is a
derivative of one scalar for each vertex k, summed over the inputs p that depend on x,

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
"""From a parameter to the name of its gradient term."""
Differentiate: TypeAlias = Callable[[sp.Expr, Mapping[sp.Symbol, Array], tuple[sp.Symbol, ...]], Array]
"""The derivative of an expression by some of its symbols, at arrays of values for its symbols."""
Equations: TypeAlias = Literal["linear", "pointwise", "general"]
"""Which equations of the source a layer has: fully connected, pointwise, or those of any graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One layer of a network. `operands` are the vertices it reads, in its own order; `origin` is where it was written.

    `inputs` are the operands that depend on x, each once. The others, `constants`, depend on parameters alone.
    """

    name: str
    layer: Layer
    operands: tuple[str, ...]
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    origin: str = field(compare=False)

    @property
    def units(self) -> int:
        """The number of values for one sample."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def constants(self) -> tuple[str, ...]:
        """Operands that are the same for all samples, each once."""
        return tuple(name for name in dict.fromkeys(self.operands) if name not in self.inputs)


class Lowered(Protocol):
    """A layer in a schedule that is being written. Its methods serve all sweeps: g, δ, adjoints and tangents."""

    @property
    def value(self) -> sp.Expr:
        """g."""

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The pairs of inputs, each once, whose second derivative f_pq is not symbolically 0."""

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        """Σ_p J_p v_p, or with J_p ∘ J_p: (11), (12), (13), (18), (20)."""

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        """J_pᵀ v for an operand p, or with J_p ∘ J_p: (1), (14), (15)."""

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        """Σ_n ∂(leftᵀ J_p right)/∂θ, or with J_p ∘ J_p, for each parameter θ of J_p: (16), (17)."""

    def partial(self, *operands: str) -> sp.Expr:
        """The derivative of a unit by the same unit of one to three operands; 0 for a linear layer."""


class Slope(Protocol):
    """∂g/∂g_p in numbers."""

    def forward(self, value: Array, *, squared: bool = False) -> Array:
        """J v, (…, units of p) → (…, units)."""

    def backward(self, value: Array, *, squared: bool = False) -> Array:
        """Jᵀ v, (N, units) → (N, units of p)."""


class Layer(Protocol):
    """A layer without its place in a graph: its kind and the options of its kind. Frozen, compared by value."""

    @property
    def kind(self) -> str:
        """The word that default names of its layers begin with."""

    @property
    def text(self) -> str:
        """The canonical text that the fingerprint is computed from."""

    def summary(self, operands: Sequence[str]) -> str:
        """What the layer computes from these operands, for people."""

    @property
    def is_data(self) -> bool:
        """Whether it is x."""

    @property
    def init(self) -> sp.Expr | None:
        """The initial value of all numbers of a parameter; None for random ones."""

    @property
    def equations(self) -> Equations:
        """The group of equations whose numbers its operations carry."""

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
        """The bounds that its author states for the operand of a function of one unit."""

    def prepare(self, v: Vertex) -> None:
        """Raise `UnsupportedNonlinearity` where a derivative that will be needed has no formula."""

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        """Write the operations of its value, which gets this name."""

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        """Its value in numbers, (N, units). Constant operands have no batch axis."""

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        """∂g/∂g_p in numbers."""

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> Array | None:
        """f_pq in numbers, (N, units); None where it is 0."""

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        """The pairs of inputs, each once, with f_pq ≠ 0."""

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        """How many paths lead from each x_d to each unit."""

    def range(self, below: Sequence[Interval]) -> Interval:
        """An interval that contains all its values, from the intervals of its operands."""

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        """Source text of its value for an array library; `names` are the texts of the operands."""

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        """Source text of Jᵀ v, or with J ∘ J."""

    def spelled_f_second(self, v: Vertex, source: str, names: Mapping[str, str]) -> str | None:
        """Source text of f_pp; None where it is 0."""
