"""The CUDA target: a CuPy module with its kernels in it; cuBLAS for products, generated CUDA C for everything else."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from smgen.analysis.storage import most_tangents
from smgen.ir import BATCH, ITEMSIZE, LAYER_MEANS, Schedule, Transpose
from smgen.render import render
from smgen.targets.cuda.kernels import LANES, Kernel, Kernels, ScalarKernel, text_of
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
from smgen.targets.facts import Facts, shape_text
from smgen.targets.layout import Arrays, FunctionLayout, Header, header, lay_out
from smgen.targets.pipeline import Pipeline
from smgen.targets.source import PrintedFunction

ARRAYS: Final = Arrays(
    type="cp.ndarray", library="cupy", alias="cp", inspects_values=False, needs_contiguous=True, counts_in_int32=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The context of the module template.

    `launches` and what comes after it say which helpers there are, and kernels with them: in a module of chosen
    functions those that are called.
    """

    header: Header
    facts: Facts
    arrays: Arrays
    real: str
    lanes: int
    blocks: int
    chunks: int
    helpers: tuple[str, ...]
    elements: tuple[Element, ...]
    kernels: tuple[Kernel, ...]
    scalar_kernels: tuple[ScalarKernel, ...]
    shapes: tuple[tuple[str, str, str], ...]
    functions: tuple[FunctionLayout, ...]
    launches: bool
    adds_totals: bool
    sums_columns: bool
    sums_rows: bool
    sums_tangents: bool
    transposes: bool
    in_chunks: bool
    budget: str


@dataclass(frozen=True, slots=True)
class CudaTarget:
    """A module of kernel launches and cuBLAS products."""

    summary: str = "a CuPy module with its CUDA kernels, and cuBLAS"
    template: str = "cuda/module.py.j2"
    standalone: tuple[str, ...] = ()
    pipeline: Pipeline = PIPELINE

    def emit(self, facts: Facts, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The module's source, kernels included."""
        kernels = Kernels(facts.dtype)
        lowered, notes = self.pipeline.forms(functions(schedules), facts.method.batch_size)
        printed = [print_function(s, kernels, note) for s, note in zip(lowered, notes, strict=True)]
        limited = facts.memory is not None or any(most_tangents(schedule) > 1 for schedule in lowered)
        chunks = [_chunk(function, facts.dtype) if limited else 0 for function in printed]
        arrays = {b.name: b for function in printed for b in function.arrays}
        calls = {name for function in printed for name in function.calls}
        tangents = any(_has_tangents(schedule) for schedule in lowered)
        module = Module(
            header=header(facts),
            facts=facts,
            arrays=ARRAYS,
            real=CPrinter(facts.dtype, CUDA).real,
            lanes=LANES[facts.dtype],
            blocks=BLOCKS,
            chunks=CHUNKS,
            helpers=helpers(facts.dtype, CUDA, text_of(kernels)),
            elements=tuple(kernels.elements.by_name.values()),
            kernels=tuple(kernels.maps.by_name.values()),
            scalar_kernels=tuple(kernels.scalars.by_name.values()),
            shapes=tuple(
                (name, "DTYPE" if b.kind == "real" else "np.float64", shape_text(b.shape))
                for name, b in sorted(arrays.items())
            ),
            functions=tuple(lay_out(facts, function, chunk) for function, chunk in zip(printed, chunks, strict=True)),
            launches=facts.whole or bool(kernels.maps.by_name),
            adds_totals=facts.whole or bool(kernels.scalars.by_name),
            sums_columns=facts.whole or COLUMN_SUM in calls,
            sums_rows=facts.whole or ROW_SUM in calls,
            sums_tangents=tangents if facts.whole else TANGENT_SUM in calls,
            transposes=tangents if facts.whole else TRANSPOSED in calls,
            in_chunks=any(chunks),
            budget="cp.cuda.runtime.memGetInfo()[0] // 4" if facts.memory is None else f"{facts.memory} << 20",
        )
        return {".py": render(self.template, module)}


def functions(schedules: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    """Those that a module for the GPU has: it does not look for overflows, which would synchronise."""
    return tuple(schedule for schedule in schedules if schedule.function != LAYER_MEANS)


def _has_tangents(schedule: Schedule) -> bool:
    """Whether the helpers for tangents may be called."""
    return any(isinstance(op, Transpose) or any(b.is_stack for b in op.outs) for op in schedule.ops)


def _chunk(function: PrintedFunction, dtype: str) -> int:
    """Bytes of a sample's arrays."""
    return ITEMSIZE[dtype] * sum(prod(dim for dim in b.shape if dim != BATCH) for b in function.arrays if b.batched)
