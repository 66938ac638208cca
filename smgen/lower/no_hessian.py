"""The hessian state of functions without second derivatives, and the adjoints of terms without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from smgen.errors import InternalError
from smgen.ir import ZERO, Contribution
from smgen.layers.protocol import Naming
from smgen.lower.hessian_state import Values
from smgen.lower.names import LossTerm
from smgen.lower.sweeps import backward
from smgen.lower.values import Lowering
from smgen.network import Vertex


class NoHessian:
    """The adjoints of a term without δ′, such as K: all are 0."""

    word = ""

    def forward(self, v: Vertex) -> None:
        return

    def nu(self, k: Vertex, p: str, q: str) -> sp.Expr:
        return ZERO

    def slope(self, p: str, k: Vertex) -> sp.Expr:
        return ZERO

    def product_nu(self, k: Vertex, p: str, q: str) -> Iterable[Contribution]:
        return ()

    def product_slope(self, k: Vertex, a: str, other: str) -> Iterable[Contribution]:
        return ()

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        return {}


class OnlyDelta(NoHessian):
    """The state of functions that need no second derivatives."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering

    def backward(self) -> Values:
        return backward(self.lowering)

    def diagonal(self) -> sp.Expr:
        raise InternalError("a function that is not curved has no δ′")

    def moments(self, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        raise InternalError("a function that is not curved has no δ′")

    def begin_adjoints(self, loss_term: LossTerm, first: sp.Expr, second: sp.Expr) -> None:
        raise InternalError("a function that is not curved has no δ′")
