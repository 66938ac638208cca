"""The base of kinds without second derivatives: sources, linear layers and concatenations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import sympy as sp

from smgen.errors import InternalError
from smgen.ir import Emitter, Name
from smgen.layers.kind import Kind
from smgen.layers.orders import Order, plain
from smgen.layers.protocol import Array, Differentiate, Naming, Vertex


class Straight(Kind):
    """A kind whose units are linear functions of the units of its operands."""

    function: ClassVar[None] = None
    nonlinearity: ClassVar[None] = None
    kinks: ClassVar[bool] = False
    domain: ClassVar[None] = None

    def prepare(self, v: Vertex) -> None:
        return None

    def orders(self, v: Vertex, below: Mapping[str, Order]) -> tuple[Order, Mapping[str, Order]]:
        """The axes as they are written. A kind that can do with others, or needs others, overrides it."""
        return plain(v.shape), {p: plain(order) for p, order in below.items()}

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> None:
        return None

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        return ()

    def spelled_f_second(self, v: Vertex, source: str, names: Mapping[str, str]) -> None:
        return None


class NoProducts:
    """A layer in a schedule that is no product of two operands."""

    @property
    def products(self) -> Sequence[tuple[str, str]]:
        return ()

    def product(self, e: Emitter, left: sp.Expr, right: sp.Expr, name: Name, number: str) -> sp.Expr:
        raise InternalError("no product of operands")

    def product_back(self, e: Emitter, source: str, value: sp.Expr, other: sp.Expr, name: Name, number: str) -> sp.Expr:
        raise InternalError("no product of operands")


class StraightLowered(NoProducts):
    """A layer without second derivatives in a schedule, whose slopes have no parameters unless a subclass says so."""

    pairs: ClassVar[tuple[tuple[str, str], ...]] = ()

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        return {}

    def collected(self, e: Emitter, constant: str, value: sp.Expr, name: Name) -> sp.Expr:
        return e.batch_sum(value, name)

    def partial(self, *operands: str) -> sp.Expr:
        return sp.S.Zero
