"""The NumPy target: one readable module that needs NumPy alone (and scipy.special where a network uses erf)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.analysis.flops import sample_flops
from smgen.analysis.storage import most_tangents
from smgen.ir import BATCH, ITEMSIZE, Elementary, Schedule
from smgen.render import render
from smgen.targets.api import ApiFunction, api_functions
from smgen.targets.arguments import listed
from smgen.targets.build_info import BuildInfo
from smgen.targets.layout import (
    Arrays,
    Header,
    Sweeps,
    data,
    data_arguments,
    fixed,
    header,
    parameters,
    returns,
    storage,
    summary,
    sweeps,
    wrapped,
)
from smgen.targets.literals import check_operands
from smgen.targets.numpy.moves import MoveConstants
from smgen.targets.numpy.pipeline import PIPELINE
from smgen.targets.numpy.printer import print_function, scipy_functions, sums_columns
from smgen.targets.pipeline import Pipeline
from smgen.targets.savings import savings
from smgen.targets.source import WIDTH, NamedArray, TiledFunction, shape_source

ARRAYS: Final = Arrays(
    type="np.ndarray", library="numpy", alias="np", inspects_values=True, needs_contiguous=False, counts_in_int32=False
)

TILE_NUMBERS: Final = 1 << 20
"""How many numbers the arrays of a tile should hold: a few megabytes, about what a core has of cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLayout:
    """A private function of the module, ready to lay out; the last fields are its rows of tables."""

    name: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    fixed: tuple[tuple[str, str], ...]
    data: str
    arguments: str
    parts: tuple[str, ...]
    counts: bool
    has_arrays: bool
    once: Sweeps
    results: tuple[tuple[str, str], ...]
    tile: Sweeps
    sums: tuple[str, ...]
    end: Sweeps
    returns: tuple[str, ...]
    tiling: str
    of_tiles: tuple[str, ...]
    of_call: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The context of the module template."""

    header: Header
    info: BuildInfo
    arrays: Arrays
    functions: tuple[FunctionLayout, ...]
    api: tuple[ApiFunction, ...]
    needs_scipy: bool
    has_windows: bool
    has_matrices: bool
    has_entries: bool
    moves: tuple[str, ...]
    sums_columns: bool


@dataclass(frozen=True, slots=True)
class NumpyTarget:
    """A module of NumPy statements over tiles of rows."""

    summary: str = "one module that needs NumPy alone"
    template: str = "numpy/module.py.j2"
    standalone: tuple[str, ...] = ()
    pipeline: Pipeline = PIPELINE

    def emit(self, info: BuildInfo, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The module's source."""
        lowered, notes = self.pipeline.forms(schedules, info.method.batch_size)
        check_operands(lowered, info.dtype)
        moves = MoveConstants()
        printed = [print_function(*form, moves) for form in zip(lowered, notes, strict=True)]
        calls = {op.function for schedule in lowered for op in schedule.ops if isinstance(op, Elementary)}
        module = Module(
            header=header(info, savings(zip(schedules, lowered, strict=True), info.method.batch_size)),
            info=info,
            arrays=ARRAYS,
            functions=tuple(_lay_out(info, s, function) for s, function in zip(lowered, printed, strict=True)),
            api=tuple(api_functions(info)),
            needs_scipy=bool(calls & scipy_functions()),
            has_windows=moves.has_windows,
            has_matrices=moves.has_matrices,
            has_entries=moves.has_entries,
            moves=tuple(moves.lines()),
            sums_columns=any(sums_columns(op) for schedule in lowered for op in schedule.ops),
        )
        return {".py": render(self.template, module)}


def _lay_out(info: BuildInfo, schedule: Schedule, printed: TiledFunction) -> FunctionLayout:
    width, tangents = _width(printed.tile_arrays), most_tangents(schedule)
    known = {argument.name for argument in data_arguments(info, printed.function)}
    tiling = _tile_rows(width, tangents), tangents, sample_flops(schedule), width * ITEMSIZE[info.dtype]
    return FunctionLayout(
        name=printed.function.name,
        summary=summary(printed.function),
        parameters=parameters(info, printed.reads),
        fixed=fixed(info, printed.reads),
        data=data(printed.reads) or "x",
        arguments=listed(argument.name for argument in data_arguments(info, printed.function)),
        parts=tuple(b.name for b in printed.reads if b.name in known),
        counts=printed.counts,
        has_arrays=bool(printed.arrays),
        once=sweeps(printed.once),
        results=tuple((b.name, shape_source(b.shape)) for b in printed.results),
        tile=sweeps(printed.tile, WIDTH - 10),
        sums=wrapped(printed.sums),
        end=sweeps(printed.end),
        returns=returns(info, printed.function, printed.outputs),
        tiling=", ".join(map(str, tiling)),
        of_tiles=tuple(storage(printed.tile_arrays)),
        of_call=tuple(storage(printed.arrays)),
    )


def _width(arrays: Iterable[NamedArray]) -> int:
    """How many numbers the arrays of a tile have for each sample."""
    return max(sum(prod(n for n in a.shape if isinstance(n, int)) for a in arrays if BATCH in a.shape), 1)


def _tile_rows(width: int, tangents: int) -> int:
    """Rows of a tile: as many as fit, in sixteens, from 128 to 512; with tangents, as many samples as fit, from one."""
    if tangents == 1:
        return min(max(TILE_NUMBERS // width // 16 * 16, 128), 512)
    return min(max(TILE_NUMBERS // width, 1), 512)
