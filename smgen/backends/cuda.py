"""The CUDA backend: a CuPy module with its kernels in it; cuBLAS for products, generated CUDA C for everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smgen.backends.facts import Facts, shape_text
from smgen.backends.layout import Arrays, Function, Header, header, lay_out
from smgen.ir import Schedule
from smgen.passes import pipelines, run
from smgen.printers.c import CPrinter
from smgen.printers.cuda import LANES, VECTOR
from smgen.printers.cupy import BLOCKS, CHUNKS, Kernels, print_function
from smgen.printers.kernels import Kernel, ScalarKernel, helpers, text_of
from smgen.render import render

TEMPLATE: Final = "cuda/module.py.j2"


ARRAYS: Final = Arrays("cp.ndarray", "cupy", "cp", inspects_values=False, needs_contiguous=True, counts_in_int32=True)


@dataclass(frozen=True, slots=True)
class Module:
    """The context of the module template."""

    header: Header
    facts: Facts
    arrays: Arrays
    real: str
    vector: str
    lanes: int
    blocks: int
    chunks: int
    helpers: tuple[str, ...]
    kernels: tuple[Kernel, ...]
    scalar_kernels: tuple[ScalarKernel, ...]
    shapes: tuple[tuple[str, str, str], ...]
    functions: tuple[Function, ...]


def emit(facts: Facts, schedules: tuple[Schedule, ...]) -> dict[str, str]:
    """The module's source, kernels included."""
    kernels = Kernels()
    printed = [
        print_function(run(schedule, pipelines.cuda(facts.method.batch_size)), facts.dtype, kernels)
        for schedule in schedules
    ]
    arrays = {b.name: b for function in printed for b in function.arrays}
    module = Module(
        header(facts),
        facts,
        ARRAYS,
        CPrinter(facts.dtype).real,
        VECTOR[facts.dtype],
        LANES[facts.dtype],
        BLOCKS,
        CHUNKS,
        helpers(facts.dtype, text_of(kernels.loops.values()), "static __device__ __forceinline__"),
        tuple(kernels.loops.values()),
        tuple(kernels.scalars.values()),
        tuple(
            (name, "DTYPE" if b.kind == "real" else "np.float64", shape_text(b.shape))
            for name, b in sorted(arrays.items())
        ),
        tuple(lay_out(facts, function) for function in printed),
    )
    return {".py": render(TEMPLATE, module)}
