"""The NumPy backend: one readable module that needs NumPy alone (and scipy.special where a network uses erf)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.backends.facts import Facts, shape_text
from smgen.backends.layout import (
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
from smgen.cost import savings
from smgen.ir import ITEM, Buffer, Elementary, Schedule
from smgen.passes.flops import sample_flops
from smgen.passes.storage import most_tangents
from smgen.printers.equations import forms
from smgen.printers.numpy import SCIPY, print_function
from smgen.printers.source import TiledFunction, shape_source
from smgen.render import render

TEMPLATE: Final = "numpy/module.py.j2"
ARRAYS: Final = Arrays("np.ndarray", "numpy", "np", inspects_values=True, needs_contiguous=False, counts_in_int32=False)

TILE_NUMBERS: Final = 1 << 20
"""How many numbers the arrays of a tile should hold: a few megabytes, about what a core has of cache."""


@dataclass(frozen=True, slots=True)
class Function:
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


@dataclass(frozen=True, slots=True)
class Module:
    """The context of the module template."""

    header: Header
    facts: Facts
    arrays: Arrays
    shapes: tuple[tuple[str, str], ...]
    functions: tuple[Function, ...]
    needs_scipy: bool


def emit(facts: Facts, schedules: tuple[Schedule, ...]) -> dict[str, str]:
    """The module's source."""
    lowered, notes = forms(schedules, "numpy", facts.method.batch_size)
    printed = [print_function(*form) for form in zip(lowered, notes, strict=True)]
    shapes = {b.name: b.shape for function in printed for b in (*function.arrays, *function.tile_arrays)}
    calls = {op.function for schedule in lowered for op in schedule.ops if isinstance(op, Elementary)}
    module = Module(
        header(facts, savings(zip(schedules, lowered, strict=True), facts.method.batch_size)),
        facts,
        ARRAYS,
        tuple((name, shape_text(shapes[name])) for name in sorted(shapes)),
        tuple(_lay_out(facts, s, function) for s, function in zip(lowered, printed, strict=True)),
        bool(calls & SCIPY),
    )
    return {".py": render(TEMPLATE, module)}


def _lay_out(facts: Facts, schedule: Schedule, printed: TiledFunction) -> Function:
    return Function(
        printed.name,
        summary(printed.name),
        parameters(facts, printed.reads),
        data(printed.reads),
        "probes" in printed.reads,
        wrapped(b.name for b in printed.arrays),
        wrapped(f'"{b.name}"' for b in printed.arrays),
        sweeps(printed.once),
        tuple((b.name, shape_source(b.shape)) for b in printed.results),
        wrapped(b.name for b in printed.tile_arrays),
        wrapped(f'"{b.name}"' for b in printed.tile_arrays),
        sweeps(printed.tile, WIDTH - 10),
        _tile_rows(_width(printed.tile_arrays), most_tangents(schedule)),
        most_tangents(schedule),
        sample_flops(schedule),
        _width(printed.tile_arrays) * ITEM[facts.dtype],
        wrapped(printed.sums),
        sweeps(printed.end),
        returns(facts, printed.name, printed.outputs),
    )


def _width(arrays: tuple[Buffer, ...]) -> int:
    """How many numbers the arrays of a tile have for each sample."""
    return max(sum(prod(dim for dim in b.shape if isinstance(dim, int)) for b in arrays if b.batched), 1)


def _tile_rows(width: int, tangents: int) -> int:
    """Rows of a tile: as many as fit, in sixteens, from 128 to 512; with tangents, as many samples as fit, from one."""
    if tangents == 1:
        return min(max(TILE_NUMBERS // width // 16 * 16, 128), 512)
    return min(max(TILE_NUMBERS // width, 1), 512)
