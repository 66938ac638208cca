"""The NumPy target: one readable module that needs NumPy alone (and scipy.special where a network uses erf)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.analysis.flops import sample_flops
from smgen.analysis.storage import most_tangents
from smgen.ir import ITEMSIZE, Buffer, Elementary, Schedule
from smgen.render import render
from smgen.targets.facts import Facts, shape_text
from smgen.targets.layout import (
    WIDTH,
    Arrays,
    Header,
    Sweeps,
    data,
    header,
    parameters,
    returns,
    summary,
    sweeps,
    wrapped,
)
from smgen.targets.numpy.pipeline import PIPELINE
from smgen.targets.numpy.printer import print_function, scipy_functions, sums_columns
from smgen.targets.pipeline import Pipeline
from smgen.targets.savings import savings
from smgen.targets.source import TiledFunction, shape_source

ARRAYS: Final = Arrays(
    type="np.ndarray", library="numpy", alias="np", inspects_values=True, needs_contiguous=False, counts_in_int32=False
)

TILE_NUMBERS: Final = 1 << 20
"""How many numbers the arrays of a tile should hold: a few megabytes, about what a core has of cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLayout:
    """A private function of the module, ready to lay out."""

    name: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    data: str
    probed: bool
    arrays: tuple[str, ...]
    array_names: tuple[str, ...]
    once: Sweeps
    results: tuple[tuple[str, str], ...]
    tile_arrays: tuple[str, ...]
    tile_array_names: tuple[str, ...]
    tile: Sweeps
    tile_rows: int
    tangents: int
    flops: int
    nbytes: int
    sums: tuple[str, ...]
    end: Sweeps
    returns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The context of the module template."""

    header: Header
    facts: Facts
    arrays: Arrays
    shapes: tuple[tuple[str, str], ...]
    functions: tuple[FunctionLayout, ...]
    needs_scipy: bool
    sums_columns: bool


@dataclass(frozen=True, slots=True)
class NumpyTarget:
    """A module of NumPy statements over tiles of rows."""

    summary: str = "one module that needs NumPy alone"
    template: str = "numpy/module.py.j2"
    standalone: tuple[str, ...] = ()
    pipeline: Pipeline = PIPELINE

    def emit(self, facts: Facts, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The module's source."""
        lowered, notes = self.pipeline.forms(schedules, facts.method.batch_size)
        printed = [print_function(*form) for form in zip(lowered, notes, strict=True)]
        shapes = {b.name: b.shape for function in printed for b in (*function.arrays, *function.tile_arrays)}
        calls = {op.function for schedule in lowered for op in schedule.ops if isinstance(op, Elementary)}
        module = Module(
            header=header(facts, savings(zip(schedules, lowered, strict=True), facts.method.batch_size)),
            facts=facts,
            arrays=ARRAYS,
            shapes=tuple((name, shape_text(shapes[name])) for name in sorted(shapes)),
            functions=tuple(_lay_out(facts, s, function) for s, function in zip(lowered, printed, strict=True)),
            needs_scipy=bool(calls & scipy_functions()),
            sums_columns=facts.whole or any(sums_columns(op) for schedule in lowered for op in schedule.ops),
        )
        return {".py": render(self.template, module)}


def _lay_out(facts: Facts, schedule: Schedule, printed: TiledFunction) -> FunctionLayout:
    return FunctionLayout(
        name=printed.function.name,
        summary=summary(printed.function),
        parameters=parameters(facts, printed.reads),
        data=data(printed.reads),
        probed="probes" in printed.reads,
        arrays=wrapped(b.name for b in printed.arrays),
        array_names=wrapped(f'"{b.name}"' for b in printed.arrays),
        once=sweeps(printed.once),
        results=tuple((b.name, shape_source(b.shape)) for b in printed.results),
        tile_arrays=wrapped(b.name for b in printed.tile_arrays),
        tile_array_names=wrapped(f'"{b.name}"' for b in printed.tile_arrays),
        tile=sweeps(printed.tile, WIDTH - 10),
        tile_rows=_tile_rows(_width(printed.tile_arrays), most_tangents(schedule)),
        tangents=most_tangents(schedule),
        flops=sample_flops(schedule),
        nbytes=_width(printed.tile_arrays) * ITEMSIZE[facts.dtype],
        sums=wrapped(printed.sums),
        end=sweeps(printed.end),
        returns=returns(facts, printed.function, printed.outputs),
    )


def _width(arrays: tuple[Buffer, ...]) -> int:
    """How many numbers the arrays of a tile have for each sample."""
    return max(sum(prod(dim for dim in b.shape if isinstance(dim, int)) for b in arrays if b.batched), 1)


def _tile_rows(width: int, tangents: int) -> int:
    """Rows of a tile: as many as fit, in sixteens, from 128 to 512; with tangents, as many samples as fit, from one."""
    if tangents == 1:
        return min(max(TILE_NUMBERS // width // 16 * 16, 128), 512)
    return min(max(TILE_NUMBERS // width, 1), 512)
