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
from math import prod
from typing import Any, Literal, Protocol, TypeAlias

import numpy.typing as npt
import sympy as sp

from smgen.calculus.derivatives import Nonlinearity
from smgen.calculus.domains import Ends
from smgen.calculus.intervals import Interval
from smgen.calculus.partials import Partials
from smgen.ir import Contribution, Emitter, Layout, Name, Sliding
from smgen.layers.orders import Order, plain
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

    `inputs` are the operands that depend on x, each once, and `conditions` those that vary over samples with something
    else. The others, `constants`, depend on parameters alone. `batched` says whether the vertex varies over samples.
    `order` is the order of its axes in memory, if it is not that of `shape`, and `reads` the order of each operand's.
    """

    name: str
    layer: Layer
    operands: tuple[str, ...]
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    origin: str = field(compare=False)
    conditions: tuple[str, ...] = ()
    batched: bool = True
    order: Order | None = None
    reads: tuple[Order, ...] = ()

    @property
    def units(self) -> int:
        """The number of values for one sample."""
        return prod(self.shape)

    @property
    def axes(self) -> Order:
        """The order of its axes in memory."""
        return self.order if self.order is not None else plain(self.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The lengths of its axes in the order of memory."""
        return tuple(self.shape[axis] for axis in self.axes)

    @property
    def layout(self) -> Layout:
        """The layout of its value; in one that is the same for all samples all axes are units."""
        if not self.batched:
            return Layout(units=self.shape)
        return Layout.of_sample(self.sizes)

    @property
    def constants(self) -> tuple[str, ...]:
        """Operands that are the same for all samples, each once; none if no derivative passes to them."""
        if self.layer.detached:
            return ()
        return tuple(p for p in dict.fromkeys(self.operands) if p not in self.inputs and p not in self.conditions)


class Lowered(Protocol):
    """A layer in a schedule that is being written. Its methods serve all sweeps: g, δ, adjoints and tangents."""

    @property
    def value(self) -> sp.Expr:
        """g."""

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The pairs of inputs, each once, whose second derivative f_pq is not symbolically 0."""

    @property
    def products(self) -> Sequence[tuple[str, str]]:
        """The pairs of operands whose product it is: bilinear in them, with second derivatives between their units."""

    def product(self, e: Emitter, left: sp.Expr, right: sp.Expr, name: Name, number: str) -> sp.Expr:
        """B(u, v), the product with these values in place of the pair."""

    def product_back(self, e: Emitter, source: str, value: sp.Expr, other: sp.Expr, name: Name, number: str) -> sp.Expr:
        """∂(dᵀ B)/∂ of one operand of the pair, for a value d at the vertex and one at the other operand."""

    def forward(self, e: Emitter, values: Mapping[str, sp.Expr], *, squared: bool = False) -> Iterator[Contribution]:
        """Σ_p J_p v_p, or with J_p ∘ J_p: (11), (12), (13), (18), (20)."""

    def backward(self, e: Emitter, source: str, value: sp.Expr, *, squared: bool = False) -> Iterator[Contribution]:
        """J_pᵀ v for an operand p, or with J_p ∘ J_p: (1), (14), (15)."""

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        """Σ_n ∂(leftᵀ J_p right)/∂θ, or with J_p ∘ J_p, for each parameter θ of J_p: (16), (17)."""

    def collected(self, e: Emitter, constant: str, value: sp.Expr, name: Name) -> sp.Expr:
        """What `backward` gave for an operand that does not depend on x, summed over the batch, in its shape."""

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
    def per_sample(self) -> bool:
        """Whether it is given with every sample: x, or a condition."""

    @property
    def detached(self) -> bool:
        """Whether no derivative passes through it: its value is a formal constant."""

    @property
    def fixed(self) -> Array | None:
        """The numbers of a fixed array; None for everything else."""

    @property
    def labels(self) -> int | None:
        """The number of labels that its operand can hold, 0, 1, …; None if that is no label."""

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

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        """The order of its axes in memory, and those in which it reads what varies, from the orders that this has."""

    @property
    def is_form(self) -> bool:
        """Whether it is its operand, in the form in which layers read it."""

    def form(self, v: Vertex, constant: Vertex) -> tuple[Layer, tuple[int, ...]] | None:
        """The kind and the shape of what is read in place of an operand that does not depend on x, or None."""

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        """Write the operations of its value, which gets this name."""

    def value(self, v: Vertex, g: Mapping[str, Array], f: Differentiate) -> Array:
        """Its value in numbers, (N, units) in the order of its shape. Constant operands have no batch axis."""

    def slope(self, v: Vertex, source: str, g: Mapping[str, Array], f: Differentiate) -> Slope:
        """∂g/∂g_p in numbers."""

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> Array | None:
        """f_pq in numbers, (N, units); None where it is 0."""

    def multiplied(self, a: Array, b: Array) -> Array:
        """B in numbers, for a layer that is the product of its two operands, (…, units of each) → (…, units)."""

    @property
    def multiplies(self) -> bool:
        """Whether it is the product of its two operands."""

    @property
    def keeps_places(self) -> bool:
        """Whether each place of its value is made of the same place of its inputs; the first axis is no place."""

    @property
    def sliding(self) -> tuple[Sliding, ...] | None:
        """The windows, which read no place twice, of a product with the second operand, (taps · in, out); or None."""

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        """The pairs of inputs, each once, with f_pq ≠ 0."""

    def paths(self, v: Vertex, below: Mapping[str, Paths]) -> Paths:
        """How many paths lead from each x_d to each unit."""

    def together(self, v: Vertex, p: str, q: str, below: Mapping[str, Paths]) -> tuple[Paths, Paths]:
        """The tables of two inputs with mixed derivatives, unit by unit for those that have one."""

    def range(self, below: Sequence[Interval]) -> Interval:
        """An interval that contains all its values, from the intervals of its operands."""

    def spelled(self, v: Vertex, names: Mapping[str, str], concatenate: str) -> str:
        """Source text of its value for an array library; `names` are the texts of the operands."""

    def spelled_back(self, v: Vertex, source: str, value: str, names: Mapping[str, str], *, squared: bool) -> str:
        """Source text of Jᵀ v, or with J ∘ J."""

    def spelled_f_second(self, v: Vertex, source: str, names: Mapping[str, str]) -> str | None:
        """Source text of f_pp; None where it is 0."""
