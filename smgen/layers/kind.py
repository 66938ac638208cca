"""The base of all kinds of layers: what most of them are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import sympy as sp

from smgen.errors import InternalError
from smgen.ir import Sliding
from smgen.layers.patterns import Paths
from smgen.layers.protocol import Array, Layer, Vertex


class Kind:
    """A kind whose units are computed from its operands, with derivatives that pass through. Others override this."""

    is_data: ClassVar[bool] = False
    per_sample: ClassVar[bool] = False
    detached: ClassVar[bool] = False
    is_form: ClassVar[bool] = False
    multiplies: ClassVar[bool] = False

    @property
    def keeps_places(self) -> bool:
        return False

    @property
    def sliding(self) -> tuple[Sliding, ...] | None:
        return None

    @property
    def fixed(self) -> Array | None:
        return None

    @property
    def labels(self) -> int | None:
        return None

    @property
    def init(self) -> sp.Expr | None:
        return None

    def form(self, v: Vertex, constant: Vertex) -> tuple[Layer, tuple[int, ...]] | None:
        return None

    def multiplied(self, a: Array, b: Array) -> Array:
        raise InternalError("no product of operands")

    def together(self, v: Vertex, p: str, q: str, below: Mapping[str, Paths]) -> tuple[Paths, Paths]:
        return below[p], below[q]
