"""The functions of a C file, ready to lay out: their sections, and the record of their phases and sizes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from smgen.analysis.flops import sample_flops
from smgen.analysis.storage import most_tangents
from smgen.ir import ITEMSIZE, LAYER_MEANS, Function, Phase, Schedule
from smgen.targets.arguments import listed
from smgen.targets.build_info import BuildInfo
from smgen.targets.c.printer import PrintedTiles, Section
from smgen.targets.layout import data_arguments
from smgen.targets.source import WIDTH, Statement, shape_source

TILE_BYTES: Final = 12 << 20
"""What the arrays of a tile may take: products stream through them, so that more than the level-2 cache is no loss."""

MOST_ROWS: Final = 512
"""Rows of a tile: with fewer products spend too long on packing weights, with more they gain nothing."""


REAL: Final = {"float32": "float", "float64": "double"}
"""The type of the dtype in C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLayout:
    """A section as a C function, ready to lay out; `slot` is the place of a rank's totals, if it adds to them."""

    name: str
    team: str
    pointers: tuple[str, ...]
    spans: tuple[int, ...]
    slot: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLayout:
    """A function of the C file, ready to lay out: its sections, its numbers, and the record of its phases and sizes."""

    name: str
    summary: str
    results: str
    indent: str
    declared: str
    declared_in_header: str
    handed: str
    given_count: int
    arguments: str
    call: tuple[str, ...]
    sections: tuple[SectionLayout, ...]
    numbers: tuple[str, ...]
    fields: tuple[str, ...]


def function_layouts(
    info: BuildInfo, prefix: str, schedules: Sequence[Schedule], printed: Sequence[PrintedTiles]
) -> Iterator[FunctionLayout]:
    """The functions in order; a section that an earlier function has too stands there alone."""
    known: dict[Section, str] = {}
    for schedule, tiles in zip(schedules, printed, strict=True):
        function, first = tiles.function, len(known)
        for position, section in enumerate(tiles.sections, start=1):
            known.setdefault(section, f"{function.name}_step_{position}")
        yield FunctionLayout(
            name=function.name,
            summary=f"{function.summary}{', λ = 0' * (function.lam == 'zero')}",
            results=_results(schedule),
            indent=" " * len(f"void {prefix}_{function.name}("),
            **_arguments(info, function, schedule),
            sections=tuple(_section(name, section) for section, name in list(known.items())[first:]),
            numbers=tuple(_lines(tiles.numbers)),
            fields=tuple(_fields(info, schedule, tiles, [known[section] for section in tiles.sections])),
        )


def _arguments(info: BuildInfo, function: Function, schedule: Schedule) -> dict[str, Any]:
    """What a function takes besides x, in C and for its caller in Python, and the lines of this."""
    names = [argument.name for argument in data_arguments(info, function)]
    return {
        "declared": "".join(f"const real *{name}, " for name in names),
        "declared_in_header": "".join(f"const {REAL[info.dtype]} *{name}, " for name in names),
        "handed": f".given = (const real *const[]){{{', '.join(names)}}}, " if names else "",
        "given_count": len(names),
        "arguments": listed(names),
        "call": () if function == LAYER_MEANS else tuple(_call(function, schedule, names)),
    }


def _call(function: Function, schedule: Schedule, names: Sequence[str]) -> Iterator[str]:
    """The body of a function in Python that calls the one in C: it makes the arrays of the results."""
    arrays = [b for b in schedule.outputs if b.shape]
    rows, by_x = arrays[: len(function.rows)], arrays[-1:] if function.by_x else []
    if rows or by_x:
        yield "N = len(x)"
    yield from (f"{b.name} = np.empty({shape_source(b.shape)}, DTYPE)" for b in (*rows, *by_x))
    gradients = [f"of_{name}" for name in function.gradients] if len(function.gradients) > 1 else ["gradient"]
    gradients = gradients if function.gradients else []
    yield from (f"{name} = _gradient()" for name in gradients)
    outputs = [*(b.name for b in rows), *(f"*{name}.values()" for name in gradients), *(b.name for b in by_x)]
    numbers = [b.name for b in schedule.outputs if not b.shape]
    head = f"{', '.join(numbers)}{',' * (len(numbers) == 1)} = " if numbers else ""
    data = ", ".join(["x", *names]) + "," * (not names)
    result = f"[{', '.join(outputs)}]"
    yield f'{head}_run("{function.name}", params, ({data}), lam, workspace, {len(numbers)}, {result})'
    yield "return " + ", ".join([*(b.name for b in rows), *numbers, *gradients, *(b.name for b in by_x)])


def _section(name: str, section: Section) -> SectionLayout:
    tile = section.phase == "tile"
    slot = "at->alone ? at->part : mine.rank" if tile else "all.rank"
    return SectionLayout(
        name=name,
        team="mine" if tile else "all",
        pointers=section.pointers,
        spans=section.spans,
        slot=slot if section.adds else "",
        lines=tuple(_lines(section.statements)),
    )


def _lines(statements: Iterable[Statement]) -> Iterator[str]:
    """Statements under their equations."""
    for statement in statements:
        if statement.math:
            text = f"/* {statement.math} */"
            yield from textwrap.wrap(text, WIDTH - 4, subsequent_indent="       ", break_long_words=False)
        yield from statement.code


def _fields(info: BuildInfo, schedule: Schedule, printed: PrintedTiles, names: Sequence[str]) -> Iterator[str]:
    """The record of a function, a field a line; what is 0 or empty is left out."""
    memory, tangents = printed.memory, most_tangents(schedule)
    for phase in get_args(Phase):
        steps = [name for name, section in zip(names, printed.sections, strict=True) if section.phase == phase]
        if steps:
            text = f".{phase} = (section *const[]){{{', '.join(steps)}, NULL}},"
            yield from textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_long_words=False)
    if printed.numbers:
        yield f".numbers = {printed.function.name}_numbers,"
    sizes = {
        "tile_rows": _tile_rows(memory.tile_width * ITEMSIZE[info.dtype], tangents, info.memory),
        "tangents": tangents,
        "flops": f"{float(sample_flops(schedule)):.0f}.0",
        "shared": memory.shared_size,
        "tile_width": memory.tile_width,
        "sums": memory.sums_size,
        "column_sums": memory.column_sums_size,
        "matrix_count": len(memory.sums),
        "row_count": len(memory.column_sums),
    }
    yield ", ".join(f".{key} = {value}" for key, value in sizes.items() if value) + ","
    matrices = [f"{{{t.offset}, {t.rows}, {t.columns}, {int(t.symmetric)}}}" for t in memory.sums]
    rows = [f"{{{t.offset}, {t.columns}, {t.result}}}" for t in memory.column_sums]
    for field, kind, sums in (("matrices", "matrix_sum", matrices), ("rows", "row_sum", rows)):
        if sums:
            text = f".{field} = (const {kind}[]){{{', '.join(sums)}}},"
            yield from textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_long_words=False)


def _results(schedule: Schedule) -> str:
    """What a function leaves where."""
    numbers = ", ".join(b.name for b in schedule.outputs if not b.shape)
    arrays = ", ".join(b.name for b in schedule.outputs if b.shape)
    return "; ".join(f"{names} in {where}" for names, where in ((numbers, "numbers"), (arrays, "outputs")) if names)


def _tile_rows(row_bytes: int, tangents: int, memory: int | None) -> int:
    """Rows of a tile: as many as fit, in sixteens, from 192; with tangents or little memory, from one."""
    if memory is None and tangents == 1:
        return min(max(TILE_BYTES // max(row_bytes, 1) // 16 * 16, 192), MOST_ROWS)
    budget = TILE_BYTES if memory is None else min(TILE_BYTES, (memory << 20) // 2)
    return min(max(budget // max(row_bytes, 1), 1), MOST_ROWS)
