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

    `phase` says when it runs: once a call before any sample, for every tile of rows, or at the end, after all tiles.
    Sums over the samples of a tile are added up over the tiles. Before the pass `tile`, every phase is "tile" and the
    whole batch is one tile.
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
        """The name of the function."""
        return self.function.name

    @property
    def ops(self) -> Iterator[Op]:
        """All operations in order."""
        return (op for sweep in self.sweeps for op in sweep.ops)

    @property
    def inputs_read(self) -> tuple[Buffer, ...]:
        """The inputs that an operation reads."""
        read = {b.name for op in self.ops for b in op.reads}
        return tuple(b for b in self.inputs if b.name in read)

    def with_sweeps(self, sweeps: tuple[tuple[Op, ...], ...]) -> Schedule:
        """The same schedule with these operations in its sweeps. Empty sweeps are dropped."""
        named = (replace(old, ops=new) for old, new in zip(self.sweeps, sweeps, strict=True))
        return replace(self, sweeps=tuple(sweep for sweep in named if sweep.ops))
