"""The C target: a module with the usual API and C in it, compiled at first use and called by ctypes; or C alone."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from math import ceil, prod
from typing import Final

import sympy as sp

from smgen.errors import InternalError
from smgen.ir import ITEMSIZE, Schedule
from smgen.layers.letters import fixed_buffer, parameter_buffer
from smgen.render import plain, render
from smgen.targets.api import ApiFunction, api_functions
from smgen.targets.build_info import BuildInfo
from smgen.targets.c.functions import MOST_ROWS, FunctionLayout, function_layouts
from smgen.targets.c.loops import Loop
from smgen.targets.c.moves import MoveTables
from smgen.targets.c.pipeline import PIPELINE
from smgen.targets.c.primitives import sections
from smgen.targets.c.printer import print_tiles
from smgen.targets.c.runtime import Runtime, runtime
from smgen.targets.dialect import C
from smgen.targets.expressions import CPrinter, helpers
from smgen.targets.layout import Arrays, Header, data_arguments, header
from smgen.targets.pipeline import Pipeline
from smgen.targets.roles import Shared
from smgen.targets.savings import savings
from smgen.targets.source import WIDTH

ARRAYS: Final = Arrays(
    type="np.ndarray", library="numpy", alias="np", inspects_values=True, needs_contiguous=False, counts_in_int32=False
)

FEWEST_ROWS: Final = (64, 128)
"""Rows a thread must have to be alone on a tile, without and with a weight that outgrows the level-2 cache.

With fewer, products spend too long on packing the weights.
"""

CACHE: Final = 1 << 20


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
    tables: tuple[str, ...]
    loops: tuple[Loop, ...]
    functions: tuple[FunctionLayout, ...]
    api: tuple[ApiFunction, ...]
    given: tuple[tuple[str, str], ...]
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
    tables = MoveTables(info.dtype)
    parameters = tuple(parameter_buffer(key, shape).name for key, shape in info.parameters.items())
    printed = [
        print_tiles(s, info.dtype, note, parameters, loops, tables) for s, note in zip(lowered, notes, strict=True)
    ]
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
        adds_totals=any(p.numbers for p in printed),
        helpers=helpers(info.dtype, C, text),
        primitives=sections(plain("c/primitives.h"), text),
        runtime=runtime(name for p in printed for name in p.calls),
        tables=(*_fixed(info), *tables.lines()),
        loops=tuple(loops.by_name.values()),
        functions=tuple(function_layouts(info, prefix, lowered, printed)),
        api=tuple(api_functions(info)),
        given=tuple(_given(info)),
    )


def _given(info: BuildInfo) -> Iterator[tuple[str, str]]:
    """What functions take besides x, with what it is."""
    found = {data.name: data for function in info.functions for data in data_arguments(info, function)}
    width = max(map(len, found), default=0)
    for name, data in found.items():
        widths = sorted({d.width for f in info.functions for d in data_arguments(info, f) if d.name == name})
        yield name.ljust(width), f"for each row of x {' or '.join(map(str, widths))}: {data.says}"


def _fixed(info: BuildInfo) -> Iterator[str]:
    """The declarations of the fixed arrays."""
    c = CPrinter(info.dtype, C)
    for key, array in info.fixed.items():
        numbers = ", ".join(c.literal(sp.Rational(float(number))) for number in array.ravel())
        name = f"{fixed_buffer(key, array.shape).name}_numbers"
        text = f"static const real {name}[] = {{{numbers}}};"
        yield from textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_long_words=False)


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
