"""Level 2: what the compiler made of the kernels, read off machine code: nothing spilled, nothing moved twice."""

from __future__ import annotations

from functools import cache

import pytest

from smgen.hessians import lower
from smgen.ir import Concat, Fused
from smgen.targets import TARGETS
from smgen.targets.cuda.kernels import Kernel, Kernels, places_of
from smgen.targets.cuda.target import functions
from smgen.targets.roles import arrays_read
from tests.targets.cuda.emitted import DTYPES, EXAMPLES, REGISTERS, cuda_source, example
from tests.targets.cuda.toolchain import nvrtc, ptx, sass

ITEMSIZE = {"float32": 4, "float64": 8}

pytestmark = [
    pytest.mark.skipif(not nvrtc.available(), reason=str(nvrtc.available().reason)),
    pytest.mark.skipif(not sass.available(), reason=str(sass.available().reason)),
]


@cache
def compiled(name: str, dtype: str) -> nvrtc.Compiled:
    return nvrtc.compile_cuda(cuda_source(example(name), dtype), "sm_90")


@cache
def machine_code(name: str, dtype: str) -> dict[str, sass.Kernel]:
    return sass.kernels(compiled(name, dtype).cubin)


@cache
def loops(name: str, dtype: str) -> dict[str, tuple[Kernel, Fused | None]]:
    """Each kernel with a loop of the IR that it was printed from; none if it puts arrays side by side."""
    kernels, known = Kernels(dtype), dict[str, tuple[Kernel, Fused | None]]()
    for schedule in functions(lower(example(name))):
        lowered = TARGETS["cuda"].pipeline.lowered(schedule, 1024)
        places = places_of(lowered)
        for op in lowered.ops:
            if isinstance(op, Fused) and op.shape:
                kernel = kernels.map(op, places)
                known[kernel.name] = (kernel, op)
            elif isinstance(op, Concat):
                kernel = kernels.concat(op, places)
                known[kernel.name] = (kernel, None)
    return known


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_spill_no_stack_and_few_registers(name: str, dtype: str) -> None:
    for kernel in machine_code(name, dtype).values():
        assert not kernel.local_accesses, kernel.name
        assert kernel.resources.stack == 0, kernel.name
        assert kernel.resources.registers <= REGISTERS[dtype], f"{kernel.name}: {kernel.resources.registers}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_float64_in_the_loss_sums_only(name: str) -> None:
    """In machine code and, since a constant may be folded, in PTX."""
    known = loops(name, "float32").values()
    elementwise = {
        variant for kernel, loop in known if loop is None or not loop.totals for variant, _ in kernel.variants
    }
    in_ptx = ptx.float64(compiled(name, "float32").ptx)
    for kernel in machine_code(name, "float32").values():
        if kernel.name in elementwise | {"column_sum", "row_sum"}:
            assert not kernel.float64, f"{kernel.name}: {kernel.float64[0]}"
            assert not in_ptx.get(kernel.name), kernel.name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_vector_kernels_move_16_bytes_at_a_time(name: str, dtype: str) -> None:
    vectors = 0
    for kernel, loop in loops(name, dtype).values():
        for variant, _ in kernel.variants[1:]:
            vectors += 1
            code = machine_code(name, dtype)[variant]
            wide = code.global_loads[128] + code.global_stores[128]
            assert wide, variant
            assert not code.global_stores[32] or (loop is not None and loop.totals), variant
    assert vectors


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_division_by_a_row_length(name: str, dtype: str) -> None:
    """In the kernels of this network; those that modules share divide to find the place of a number that they move."""
    own = {variant for kernel, _ in loops(name, dtype).values() for variant, _ in kernel.variants}
    code = machine_code(name, dtype)
    assert own <= set(code)
    for variant in own:
        assert not code[variant].integer_divisions, variant


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_bytes_moved_are_the_schedules_minimum(name: str, dtype: str) -> None:
    """Each operand is loaded once an element, each result stored once, and nothing else is touched.

    The compiler may unroll the loop over rows, so all counts may share a factor; a row that does not vary over the loop
    may be loaded once for all of it.
    """
    traffic = ptx.traffic(compiled(name, dtype).ptx)
    checked = 0
    for kernel, loop in loops(name, dtype).values():
        if loop is None or loop.totals:
            continue
        arrays = arrays_read(loop)
        moved = traffic[kernel.name]
        unrolled = {moved.stores[len(arrays) + k] for k in range(len(loop.stored))}
        assert len(unrolled) == 1, kernel.name
        step = unrolled.pop()
        assert step % ITEMSIZE[dtype] == 0
        for position, b in enumerate(arrays):
            loaded = moved.loads[position]
            assert loaded == step or (b.shape != loop.shape and 0 < loaded <= step), f"{kernel.name}: {b.name}"
        assert moved.stored == step * len(loop.stored)
        assert set(moved.loads) == set(range(len(arrays))), kernel.name
        checked += 1
    assert checked
