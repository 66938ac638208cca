"""The CUDA target: a CuPy module with its kernels in it; cuBLAS for products, generated CUDA C for everything else."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.analysis.storage import most_tangents
from smgen.ir import BATCH, ITEMSIZE, LAYER_MEANS, Function, Schedule
from smgen.render import render
from smgen.targets.api import ApiFunction, api_functions
from smgen.targets.arguments import listed
from smgen.targets.build_info import BuildInfo, shape_text
from smgen.targets.cuda.kernels import LANES, Kernel, Kernels, ScalarKernel, text_of
from smgen.targets.cuda.moves import MoveTables
from smgen.targets.cuda.pipeline import PIPELINE
from smgen.targets.cuda.printer import (
    BLOCKS,
    CHUNKS,
    COLUMN_SUM,
    ROW_SUM,
    TANGENT_SUM,
    TRANSPOSED,
    print_function,
)
from smgen.targets.dialect import CUDA
from smgen.targets.elements import Element
from smgen.targets.expressions import CPrinter, helpers
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
)
from smgen.targets.pipeline import Pipeline
from smgen.targets.source import WIDTH, PrintedFunction

ARRAYS: Final = Arrays(
    type="cp.ndarray", library="cupy", alias="cp", inspects_values=False, needs_contiguous=True, counts_in_int32=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLayout:
    """A private function of the module, ready to lay out; `chunk` are the bytes of a sample if memory may be short."""

    name: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    fixed: tuple[tuple[str, str], ...]
    data: str
    arguments: str
    arrays: str
    sweeps: Sweeps
    returns: tuple[str, ...]
    chunk: int
    kinds: tuple[str, ...]
    storage: tuple[str, ...]
    own: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The context of the module template.

    `launches` and what comes after it say which helpers there are, and kernels with them: in a module of chosen
    functions those that are called.
    """

    header: Header
    info: BuildInfo
    arrays: Arrays
    real: str
    lanes: int
    blocks: int
    chunks: int
    helpers: tuple[str, ...]
    elements: tuple[Element, ...]
    kernels: tuple[Kernel, ...]
    scalar_kernels: tuple[ScalarKernel, ...]
    own: tuple[tuple[str, str, str], ...]
    functions: tuple[FunctionLayout, ...]
    api: tuple[ApiFunction, ...]
    launches: bool
    adds_totals: bool
    sums_columns: bool
    sums_rows: bool
    sums_tangents: bool
    transposes: bool
    permutes: bool
    maxima: bool
    multiplies: bool
    windows: tuple[str, ...]
    matrices: tuple[str, ...]
    in_chunks: bool
    budget: str

    @property
    def moves(self) -> bool:
        """Whether numbers are moved by kernels of their own."""
        return self.permutes or self.maxima or self.multiplies or bool(self.windows) or bool(self.matrices)


@dataclass(frozen=True, slots=True)
class CudaTarget:
    """A module of kernel launches and cuBLAS products."""

    summary: str = "a CuPy module with its CUDA kernels, and cuBLAS"
    template: str = "cuda/module.py.j2"
    standalone: tuple[str, ...] = ()
    pipeline: Pipeline = PIPELINE

    def emit(self, info: BuildInfo, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The module's source, kernels included."""
        kernels, tables = Kernels(info.dtype), MoveTables()
        lowered, notes = self.pipeline.forms(functions(schedules), info.method.batch_size)
        printed = [print_function(s, kernels, note, tables) for s, note in zip(lowered, notes, strict=True)]
        limited = info.memory is not None or any(most_tangents(schedule) > 1 for schedule in lowered)
        chunks = [_chunk(function, info.dtype) if limited else 0 for function in printed]
        own = {b.name: b for function in printed for b in function.own}
        calls = {name for function in printed for name in function.calls}
        module = Module(
            header=header(info),
            info=info,
            arrays=ARRAYS,
            real=CPrinter(info.dtype, CUDA).real,
            lanes=LANES[info.dtype],
            blocks=BLOCKS,
            chunks=CHUNKS,
            helpers=helpers(info.dtype, CUDA, text_of(kernels)),
            elements=tuple(kernels.elements.by_name.values()),
            kernels=tuple(kernels.maps.by_name.values()),
            scalar_kernels=tuple(kernels.scalars.by_name.values()),
            own=tuple(
                (name, "DTYPE" if b.kind == "real" else "np.float64", shape_text(b.shape))
                for name, b in sorted(own.items())
            ),
            functions=tuple(_lay_out(info, function, chunk) for function, chunk in zip(printed, chunks, strict=True)),
            api=tuple(api_functions(info)),
            launches=bool(kernels.maps.by_name),
            adds_totals=bool(kernels.scalars.by_name),
            sums_columns=COLUMN_SUM in calls,
            sums_rows=ROW_SUM in calls,
            sums_tangents=TANGENT_SUM in calls,
            transposes=TRANSPOSED in calls,
            permutes=tables.permutes,
            maxima=tables.maxima,
            multiplies=tables.multiplies,
            windows=tuple(tables.window_lines()),
            matrices=tuple(tables.matrix_lines()),
            in_chunks=any(chunks),
            budget="cp.cuda.runtime.memGetInfo()[0] // 4" if info.memory is None else f"{info.memory} << 20",
        )
        return {".py": render(self.template, module)}


def functions(schedules: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    """Those that a module for the GPU has: it does not look for overflows, which would synchronise."""
    return tuple(schedule for schedule in schedules if schedule.function != LAYER_MEANS)


def _lay_out(info: BuildInfo, printed: PrintedFunction, chunk: int) -> FunctionLayout:
    given = data_arguments(info, printed.function)
    return FunctionLayout(
        name=printed.function.name,
        summary=summary(printed.function),
        parameters=parameters(info, printed.reads),
        fixed=fixed(info, printed.reads),
        data=data(printed.reads),
        arguments=listed(argument.name for argument in given),
        arrays="".join(f", {argument.name}" for argument in given),
        sweeps=sweeps(printed.sweeps),
        returns=returns(info, printed.function, printed.outputs),
        chunk=chunk,
        kinds=tuple(_kinds(printed.function)),
        storage=tuple(storage(printed.arrays)),
        own=tuple(textwrap.wrap(" ".join(b.name for b in printed.own), WIDTH - 12, break_long_words=False)),
    )


def _kinds(function: Function) -> Iterator[str]:
    """How results for parts of the batch are put together: rows side by side, means and sums added up."""
    total = "sum" if function.objective is not None and function.objective.total == "sum" else "mean"
    yield from ("rows" if name in function.rows else total for name in function.results)
    yield from (total for _ in function.gradients)
    if function.by_x:
        yield "shares" if total == "mean" else "rows"


def _chunk(function: PrintedFunction, dtype: str) -> int:
    """Bytes of a sample's arrays."""
    shapes = [
        shape for shape in (*(a.shape for a in function.arrays), *(b.shape for b in function.own)) if BATCH in shape
    ]
    return ITEMSIZE[dtype] * sum(prod(dim for dim in shape if dim != BATCH) for shape in shapes)
