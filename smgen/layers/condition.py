"""Conditions: what is given with every sample and not differentiated, such as a label, a noise level or a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Final

import sympy as sp

from smgen.calculus.domains import Ends, interval, interval_text
from smgen.calculus.intervals import Interval
from smgen.errors import NetworkError, shortened
from smgen.ir import Emitter, Name
from smgen.layers.data import given
from smgen.layers.nodes import Node
from smgen.layers.protocol import Lowered, Vertex
from smgen.layers.shapes import shape_of
from smgen.layers.source import Source
from smgen.origins import here


@dataclass(frozen=True, slots=True)
class Condition(Source):
    """A value of every sample that the energy depends on, and by which no derivative is taken, with its bounds."""

    bounds: Ends | None = None
    kind: ClassVar[str] = "condition"
    per_sample: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return f"condition{interval_text(', domain ', self.bounds)}"

    def range(self, below: Sequence[Interval]) -> Interval:
        low, high = self.bounds or (None, None)
        return -inf if low is None else float(low), inf if high is None else float(high)

    def lower(self, e: Emitter, v: Vertex, g: Mapping[str, sp.Expr], name: Name) -> Lowered:
        return given(e, v, g, name)


ARGUMENTS: Final = frozenset({
    "params", "x", "lam", "workspace", "rng", "probes", "weights", "mask", "wrt_x", "noise", "weighting", "v",
})  # fmt: skip
"""What functions of modules take besides conditions. `sigma` may be a condition, and is the level of noise at once."""


def condition(
    shape: int | tuple[int, ...] = 1,
    *,
    name: str | None = None,
    domain: tuple[float | None, float | None] | None = None,
) -> Node:
    """What is given with every sample: so many numbers, or an array of this shape. It is not differentiated.

    In the generated module it is a keyword argument `name` of every function, (N, *shape), or (N,) for a single number.
    `domain` = (least, greatest) bounds its numbers, (1e-3, None) for a noise level; the module refuses others. Raises
    `NetworkError` for anything but whole numbers of at least 1, for bounds that are none, and for a name that another
    argument has, or that begins with an underscore.
    """
    origin = here()
    if isinstance(name, str) and (name in ARGUMENTS or name.startswith("_")):
        raise NetworkError(
            origin=origin,
            what=f"a condition is an argument of the generated functions, and cannot be called {shortened(name)}",
            hint=f"names of their own are {', '.join(sorted(ARGUMENTS))}, and those that begin with an underscore",
        )
    hint = 'sm.condition(name="sigma") is one number a sample'
    sizes = shape_of(shape, origin, "the shape of a condition is", hint)
    return Node(layer=Condition(interval(domain, origin)), operands=(), shape=sizes, name=name, origin=origin)
