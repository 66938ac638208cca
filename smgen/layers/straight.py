"""The base of kinds without second derivatives: sources, linear layers and concatenations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import sympy as sp

from smgen.ir import Emitter
from smgen.layers.protocol import Array, Differentiate, Naming, Vertex


class Straight:
    """A kind whose units are linear functions of the units of its operands."""

    function: ClassVar[None] = None
    nonlinearity: ClassVar[None] = None
    is_data: ClassVar[bool] = False
    kinks: ClassVar[bool] = False
    domain: ClassVar[None] = None

    @property
    def init(self) -> sp.Expr | None:
        return None

    def prepare(self, v: Vertex) -> None:
        return None

    def curvature(self, v: Vertex, p: str, q: str, g: Mapping[str, Array], f: Differentiate) -> None:
        return None

    def curved(self, v: Vertex) -> Iterable[tuple[str, str]]:
        return ()

    def spelled_f_second(self, v: Vertex, source: str, names: Mapping[str, str]) -> None:
        return None


class StraightLowered:
    """A layer without second derivatives in a schedule, whose slopes have no parameters unless a subclass says so."""

    pairs: ClassVar[tuple[tuple[str, str], ...]] = ()

    def gradient(
        self, e: Emitter, source: str, left: sp.Expr, right: sp.Expr, name: Naming, *, squared: bool = False
    ) -> Mapping[str, sp.Expr]:
        return {}

    def partial(self, *operands: str) -> sp.Expr:
        return sp.S.Zero
