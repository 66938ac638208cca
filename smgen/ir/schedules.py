"""Schedules: operations in order, in sweeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from smgen.ir.buffers import Buffer
from smgen.ir.functions import Function
from smgen.ir.operations import Op

Phase: TypeAlias = Literal["once", "tile", "end"]


@dataclass(frozen=True)
class Sweep:
    """One pass over the graph: forward values, backward δ and δ′, forward adjoints, …

    `phase` says how often it runs: once a call before the samples are looked at, for every tile of rows, or at the end,
    when the sums over the tiles are there. What a tile sums over its samples is added up over the tiles. In schedules
    that `passes.tile` has not seen it is "tile" throughout, and the whole batch is one tile.
    """

    name: str
    ops: tuple[Op, ...]
    phase: Phase = "tile"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Everything one function of the generated module does, in order. `fingerprint` is the network's."""

    function: Function
    inputs: tuple[Buffer, ...]
    sweeps: tuple[Sweep, ...]
    outputs: tuple[Buffer, ...]
    fingerprint: str

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.name

    @property
    def ops(self) -> Iterator[Op]:
        """All operations in order."""
        return (op for sweep in self.sweeps for op in sweep.ops)

    def with_sweeps(self, sweeps: tuple[tuple[Op, ...], ...]) -> Schedule:
        """The same schedule with other operations; sweeps left empty disappear."""
        named = (replace(old, ops=new) for old, new in zip(self.sweeps, sweeps, strict=True))
        return replace(self, sweeps=tuple(sweep for sweep in named if sweep.ops))
