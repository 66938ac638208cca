"""The C backend: a module with the usual API and C in it, compiled at first use and called by ctypes; or C alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, count
from math import ceil, prod
from typing import Final

from smgen.analysis.flops import sample_flops
from smgen.analysis.storage import most_tangents
from smgen.backends.facts import Facts
from smgen.backends.layout import WIDTH, Arrays, Header, commented, header
from smgen.cost import savings
from smgen.errors import InternalError
from smgen.ir import ITEMSIZE, Schedule
from smgen.layers.letters import parameter_buffer
from smgen.printers import tiles
from smgen.printers.c import CPrinter
from smgen.printers.equations import forms
from smgen.printers.kernels import helpers
from smgen.printers.memory import Memory
from smgen.printers.sections import sections
from smgen.printers.source import Statement
from smgen.render import plain, render

TEMPLATE: Final = "c/module.c.j2"
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
class Section:
    """A section, ready to lay out: the ranks of `team` that a `worker` takes, or without a team, every thread.

    `slot` is the place of a rank's totals, if it adds to them.
    """

    team: str
    worker: str
    margin: str
    inner_margin: str
    spans: tuple[int, ...]
    slot: str
    statements: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLayout:
    """A function of the C file, ready to lay out."""

    name: str
    summary: str
    results: str
    indent: str
    parameters: tuple[str, ...]
    memory: Memory
    tile_rows: int
    tangents: int
    flops: str
    once: tuple[Section, ...]
    tile: tuple[Section, ...]
    end: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The context of the templates."""

    header: Header
    facts: Facts
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
    helpers: tuple[str, ...]
    primitives: str
    functions: tuple[FunctionLayout, ...]
    pair: str = ""
    source: str = ""
    source_sha256: str = ""


def emit(facts: Facts, schedules: tuple[Schedule, ...]) -> dict[str, str]:
    """The texts of the module, the C file and its header."""
    lowered, notes = forms(schedules, "c", facts.method.batch_size)
    printed = [tiles.print_tiles(s, facts.dtype, note) for s, note in zip(lowered, notes, strict=True)]
    prefix = _identifier(f"{facts.name}{facts.mode}")
    functions = tuple(_function(facts, prefix, s, p) for s, p in zip(lowered, printed, strict=True))
    text = "\n".join(p.text for p in printed)
    module = Module(
        header=header(facts, savings(zip(schedules, lowered, strict=True), facts.method.batch_size)),
        facts=facts,
        arrays=ARRAYS,
        file=facts.file,
        prefix=prefix,
        guard=f"{prefix.upper()}_H",
        enumeration=_enumerators(prefix, facts.parameters),
        gemm_indent=" " * len(f"void {prefix}_use_gemm(void (*gemm)("),
        real=CPrinter(facts.dtype).real,
        blas="s" if facts.dtype == "float32" else "d",
        fewest_rows=FEWEST_ROWS[
            any(prod(shape) * ITEMSIZE[facts.dtype] > CACHE for shape in facts.parameters.values())
        ],
        most_rows=MOST_ROWS,
        total_lines=max(1, *(ceil(len(p.memory.totals) / 8) for p in printed)),
        helpers=helpers(facts.dtype, text, "static inline"),
        primitives=sections(plain("c/primitives.h"), text),
        functions=functions,
    )
    texts = render("c/module.c.j2", module) + render("c/module.h.j2", module)
    module = replace(module, pair=f"{prefix}_pair_{hashlib.sha256(texts.encode()).hexdigest()[:16]}")
    text = render("c/module.c.j2", module)
    if "'''" in text:
        raise InternalError("the C text would end the string that it stands in")
    embedded = replace(module, source=text, source_sha256=hashlib.sha256(f"\n{text}".encode()).hexdigest())
    return {".py": render("c/module.py.j2", embedded), ".c": text, ".h": render("c/module.h.j2", module)}


def _identifier(name: str) -> str:
    found = re.sub(r"\W", "_", name, flags=re.ASCII)
    return found if found[:1].isalpha() else f"net_{found}"


def _enumerators(prefix: str, keys: Iterable[str]) -> tuple[str, ...]:
    """A constant for each parameter, in capitals; keys that differ by case only are numbered."""
    found: list[str] = []
    for key in keys:
        name = _identifier(f"{prefix}_{key}").upper()
        found.append(next(n for n in chain([name], (f"{name}_{k}" for k in count(2))) if n not in found))
    return tuple(f"{name}," for name in found) or (f"{prefix.upper()}_NO_PARAMETERS,",)


def _function(facts: Facts, prefix: str, schedule: Schedule, printed: tiles.PrintedTiles) -> FunctionLayout:
    function, memory = printed.function, printed.memory
    keys = {parameter_buffer(key, shape).name: k for k, (key, shape) in enumerate(facts.parameters.items())}
    tangents = most_tangents(schedule)
    return FunctionLayout(
        name=function.name,
        summary=f"{function.summary}{', λ = 0' * (function.lam == 'zero')}",
        results=_results(schedule),
        indent=" " * len(f"void {prefix}_{function.name}("),
        parameters=tuple(f"const real *const {name} = params[{keys[name]}];" for name in printed.reads if name in keys),
        memory=memory,
        tile_rows=_tile_rows(memory.tile_width * ITEMSIZE[facts.dtype], tangents, facts.memory),
        tangents=tangents,
        flops=f"{float(sample_flops(schedule)):.0f}.0",
        once=tuple(map(_of_call, printed.once)),
        tile=tuple(map(_of_tile, printed.tile)),
        end=tuple(map(_of_call, (*_added(memory), *printed.end))),
    )


def _of_call(section: tiles.Section) -> Section:
    """A section of all ranks."""
    return _section(section, "all", "w", 4, "all.rank")


def _of_tile(section: tiles.Section) -> Section:
    """A section of the ranks that work on a tile: one alone, or all together."""
    return _section(section, "mine", "inside", 12, "p.alone ? part : mine.rank")


def _section(section: tiles.Section, team: str, worker: str, margin: int, slot: str) -> Section:
    return Section(
        team=team if section.team else "",
        worker=worker,
        margin=" " * margin,
        inner_margin=" " * (margin + 4 * section.team),
        spans=section.spans,
        slot=slot if section.adds else "",
        statements=tuple(commented(s, WIDTH - 20) for s in section.statements),
    )


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


def _added(memory: Memory) -> Iterable[tiles.Section]:
    """What is added up when all tiles are done."""
    calls = []
    for total in memory.sums:
        size = total.rows * total.columns
        calls.append(f"add_parts(all, (int)parts, all_sums + {total.offset}, {memory.sums_size}, {size});")
    for total in memory.column_sums:
        where = f"all_columns + {total.offset}, {memory.column_sums_size}, {total.columns}, {total.name}"
        calls.append(f"add_columns(all, (int)parts, {where});")
    mirrored = [
        f"mirror(all, {total.rows}, all_sums + {total.offset}, {total.columns});"
        for total in memory.sums
        if total.symmetric
    ]
    for lines in (calls, mirrored):
        if lines:
            yield tiles.Section((Statement("", tuple(lines)),))
    totals = tuple(tiles.total_of(memory, name) for name, phase in memory.totals.items() if phase == "tile")
    if totals:
        yield tiles.Section((Statement("", totals),), team=False)
