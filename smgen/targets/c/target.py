"""The C target: a module with the usual API and C in it, compiled at first use and called by ctypes; or C alone."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from math import ceil, prod
from typing import Final, get_args

from smgen.analysis.flops import sample_flops
from smgen.analysis.storage import most_tangents
from smgen.errors import InternalError
from smgen.ir import ITEMSIZE, Phase, Schedule
from smgen.layers.letters import parameter_buffer
from smgen.render import plain, render
from smgen.targets.build_info import BuildInfo
from smgen.targets.c.loops import Loop
from smgen.targets.c.pipeline import PIPELINE
from smgen.targets.c.primitives import sections
from smgen.targets.c.printer import PrintedTiles, Section, print_tiles
from smgen.targets.c.runtime import Runtime, runtime, whole_runtime
from smgen.targets.dialect import C
from smgen.targets.expressions import CPrinter, helpers
from smgen.targets.layout import Arrays, Header, header
from smgen.targets.pipeline import Pipeline
from smgen.targets.roles import Shared
from smgen.targets.savings import savings
from smgen.targets.source import WIDTH, Statement

ARRAYS: Final = Arrays(
    type="np.ndarray", library="numpy", alias="np", inspects_values=True, needs_contiguous=False, counts_in_int32=False
)

TILE_BYTES: Final = 12 << 20
"""What the arrays of a tile may take: products stream through them, so that more than the level-2 cache is no loss."""

FEWEST_ROWS: Final = (64, 128)
"""Rows a thread must have to be alone on a tile, without and with a weight that outgrows the level-2 cache.

With fewer, products spend too long on packing the weights.
"""

CACHE: Final = 1 << 20

MOST_ROWS: Final = 512
"""Rows of a tile: with fewer products spend too long on packing weights, with more they gain nothing."""


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
    sections: tuple[SectionLayout, ...]
    numbers: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The context of the templates."""

    header: Header
    info: BuildInfo
    arrays: Arrays
    file: str
    prefix: str
    guard: str
    enumeration: tuple[str, ...]
    gemm_indent: str
    real: str
    blas: str
    fewest_rows: int
    most_rows: int
    total_lines: int
    adds_totals: bool
    helpers: tuple[str, ...]
    primitives: str
    runtime: Runtime
    loops: tuple[Loop, ...]
    functions: tuple[FunctionLayout, ...]
    pair: str = ""
    source: str = ""
    source_sha256: str = ""


@dataclass(frozen=True, slots=True)
class CTarget:
    """A module that compiles its C at the first call, or a C file and its header."""

    summary: str = "a NumPy module with C in it, which the system's compiler compiles"
    template: str = "c/module.c.j2"
    standalone: tuple[str, ...] = (".c", ".h")
    pipeline: Pipeline = PIPELINE

    def emit(self, info: BuildInfo, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The texts of the module, the C file and its header."""
        module = _module(info, schedules, self.pipeline)
        texts = render("c/module.c.j2", module) + render("c/module.h.j2", module)
        module = replace(module, pair=f"{module.prefix}_pair_{hashlib.sha256(texts.encode()).hexdigest()[:16]}")
        text = render("c/module.c.j2", module)
        if "'''" in text:
            raise InternalError("the C text would end the string that it stands in")
        embedded = replace(module, source=text, source_sha256=hashlib.sha256(f"\n{text}".encode()).hexdigest())
        return {".py": render("c/module.py.j2", embedded), ".c": text, ".h": render("c/module.h.j2", module)}


def _module(info: BuildInfo, schedules: tuple[Schedule, ...], pipeline: Pipeline) -> Module:
    lowered, notes = pipeline.forms(schedules, info.method.batch_size)
    loops: Shared[Loop] = Shared()
    parameters = tuple(parameter_buffer(key, shape).name for key, shape in info.parameters.items())
    printed = [print_tiles(s, info.dtype, note, parameters, loops) for s, note in zip(lowered, notes, strict=True)]
    prefix = _identifier(f"{info.name}{info.mode}")
    text = "\n".join(line for loop in loops.by_name.values() for line in loop.body)
    return Module(
        header=header(info, savings(zip(schedules, lowered, strict=True), info.method.batch_size)),
        info=info,
        arrays=ARRAYS,
        file=info.file,
        prefix=prefix,
        guard=f"{prefix.upper()}_H",
        enumeration=_enumerators(prefix, info.parameters),
        gemm_indent=" " * len(f"void {prefix}_use_gemm(void (*gemm)("),
        real=CPrinter(info.dtype, C).real,
        blas="s" if info.dtype == "float32" else "d",
        fewest_rows=FEWEST_ROWS[any(prod(shape) * ITEMSIZE[info.dtype] > CACHE for shape in info.parameters.values())],
        most_rows=MOST_ROWS,
        total_lines=max(1, *(ceil(len(p.memory.totals) / 8) for p in printed)),
        adds_totals=info.whole or any(p.numbers for p in printed),
        helpers=helpers(info.dtype, C, text),
        primitives=sections(plain("c/primitives.h"), text),
        runtime=whole_runtime() if info.whole else runtime(name for p in printed for name in p.calls),
        loops=tuple(loops.by_name.values()),
        functions=tuple(_functions(info, prefix, lowered, printed)),
    )


def _identifier(name: str) -> str:
    identifier = re.sub(r"\W", "_", name, flags=re.ASCII)
    return identifier if identifier[:1].isalpha() else f"net_{identifier}"


def _enumerators(prefix: str, keys: Iterable[str]) -> tuple[str, ...]:
    """A constant for each parameter, in capitals; keys that differ by case only are numbered."""
    names: list[str] = []
    for key in keys:
        name = _identifier(f"{prefix}_{key}").upper()
        names.append(next(n for n in chain([name], (f"{name}_{k}" for k in count(2))) if n not in names))
    return tuple(f"{name}," for name in names) or (f"{prefix.upper()}_NO_PARAMETERS,",)


def _functions(
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
            sections=tuple(_section(name, section) for section, name in list(known.items())[first:]),
            numbers=tuple(_lines(tiles.numbers)),
            fields=tuple(_fields(info, schedule, tiles, [known[section] for section in tiles.sections])),
        )


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
