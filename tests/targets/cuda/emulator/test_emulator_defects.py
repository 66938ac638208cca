"""Defects planted in the sample kernels, each caught by the means meant for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.targets.cuda.emulator import sample
from tests.targets.cuda.emulator.emulator import ORDERS, Emulator, KernelError, Order, SanitizerError

Run = Callable[[Emulator, int], None]


def planted(*changes: tuple[str, str]) -> str:
    """The sample with texts replaced, the first occurrence of each."""
    source = sample.SOURCE
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    return source


def fails(source: str, run: Run, rows: int, order: Order) -> bool:
    try:
        run(Emulator(source, order=order), rows)
    except AssertionError:
        return True
    return False


COLUMN_SUM = "    partial[threadIdx.y][threadIdx.x] = total;\n    __syncthreads();\n"
FIRST_BARRIER = "    __syncthreads();\n    if (thread % 32 == 0)"
SECOND_BARRIER = "warp_sums[thread / 32] = value;\n    __syncthreads();"

ORDER_DEPENDENT: dict[str, tuple[str, Run]] = {
    "no barrier between write and read": (
        planted((COLUMN_SUM, COLUMN_SUM.replace("__syncthreads();", ""))),
        sample.column_sum,
    ),
    "no barrier between the warps' sums and their sum": (
        planted((SECOND_BARRIER, SECOND_BARRIER.replace("__syncthreads();", ""))),
        sample.finish_loss,
    ),
    "no barrier between a read and the next write": (
        planted((FIRST_BARRIER, FIRST_BARRIER.replace("__syncthreads();", ""))),
        sample.loss_x,
    ),
    "every block writes the same row": (
        planted(("out[(long long)blockIdx.y * columns + column]", "out[column]")),
        sample.column_sum,
    ),
    "shared memory that nobody wrote": (
        planted(
            (
                "partial[threadIdx.y][threadIdx.x] = total",
                "if (threadIdx.y < 7) partial[threadIdx.y][threadIdx.x] = total",
            )
        ),
        sample.column_sum,
    ),
    "shared memory taken for zero": (
        planted(("thread < blockDim.x * blockDim.y / 32 ?", "thread < 32 ?")),
        sample.finish_loss,
    ),
    "a lane outside of the mask is read": (
        planted(
            (
                "value += __shfl_down_sync(0xffffffffu, value, offset);\n    return",
                ("if (thread < 8) value += __shfl_down_sync(0xffu, value, offset);\n    return"),
            )
        ),
        sample.finish_loss,
    ),
}


@pytest.mark.parametrize("defect", ORDER_DEPENDENT)
def test_some_order_gives_wrong_numbers(defect: str) -> None:
    source, run = ORDER_DEPENDENT[defect]
    assert not any(fails(sample.SOURCE, run, 33, order) for order in ORDERS)
    assert any(fails(source, run, 33, order) for order in ORDERS)


COLUMN_BARRIER = "    __syncthreads();\n    if (threadIdx.y == 0 && column < columns) {"
SHUFFLE = "total += __shfl_down_sync(0xffffffffu, total, offset);"

DIVERGENT: dict[str, tuple[str, Run, str]] = {
    "some exit before a barrier": (
        planted((COLUMN_SUM, "if (column >= columns) return;\n" + COLUMN_SUM)),
        sample.column_sum,
        r"block \(1, 0, 0\): thread \(0, 0, 0\) waits at __syncthreads in line 117 for thread \(5, 0, 0\), which has",
    ),
    "a barrier in a branch": (
        planted((COLUMN_BARRIER, COLUMN_BARRIER.replace("__sync", "if (threadIdx.x == 2) return; __sync"))),
        sample.column_sum,
        "which has exited",
    ),
    "two branches with a barrier each": (
        planted((COLUMN_BARRIER, COLUMN_BARRIER.replace("__sync", "if (threadIdx.x) __syncthreads(); else __sync"))),
        sample.column_sum,
        r"thread \(0, 0, 0\) waits at __syncthreads in line 116 for thread \(1, 0, 0\), which waits at __syncthreads",
    ),
    "a lane that the mask does not name": (
        planted((SHUFFLE, SHUFFLE.replace("0xffffffffu", "0x0000ffffu"))),
        sample.row_sum,
        r"row_sum: block \(0, 0, 0\): thread \(16, 0, 0\) in line \d+: __shfl_down_sync is called by a lane",
    ),
    "a lane of the mask that stays away": (
        planted((SHUFFLE, "if (threadIdx.x < 31) " + SHUFFLE)),
        sample.row_sum,
        r"waits at __shfl_down_sync in line \d+ with mask 0xffffffff for thread \(31, 0, 0\), which has exited",
    ),
    "lanes with different masks": (
        planted((SHUFFLE, SHUFFLE.replace("0xffffffffu", "threadIdx.x < 16 ? 0xffffffffu : 0xffff0000u"))),
        sample.row_sum,
        r"with mask 0xffffffff for thread \(16, 0, 0\), which has exited",
    ),
    "a width that is none": (
        planted((SHUFFLE, SHUFFLE.replace("offset)", "offset, 12)"))),
        sample.row_sum,
        "no power of two",
    ),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("defect", DIVERGENT)
def test_divergence_is_an_error(defect: str, order: Order) -> None:
    source, run, message = DIVERGENT[defect]
    with pytest.raises(KernelError, match=message if order == "forward" else None):
        run(Emulator(source, order=order), 33)


def test_a_mask_that_names_threads_that_the_block_lacks_is_an_error() -> None:
    args = (sample.random(3, 9), sample.poisoned(3), np.int32(3), np.int32(9), np.int32(9))
    with pytest.raises(KernelError, match=r"for thread \(\d+, \d+, 0\), which the block does not have"):
        Emulator(sample.SOURCE).launch("row_sum", (1,), (16, 1), args)


def test_an_emulator_works_on_after_an_error() -> None:
    emulator = Emulator(DIVERGENT["a lane of the mask that stays away"][0])
    with pytest.raises(KernelError):
        sample.row_sum(emulator, 33)
    sample.loss_x(emulator, 33)


MEMORY: dict[str, tuple[str, Run, str]] = {
    "a read beyond the end": (
        planted(("column < columns; column += 32", "column <= columns; column += 32")),
        sample.row_sum,
        r"heap-buffer-overflow[^$]*READ of size 4[^$]*kernels.cu:129",
    ),
    "a write beyond the end": (
        planted(("if (column >= 288) return;", "if (column > 288) return;"), ("g_filters[i], tanh", "0.0f, tanh")),
        sample.forward_experts,
        r"heap-buffer-overflow[^$]*WRITE of size 4",
    ),
    "a read beyond the end of shared memory": (
        planted(
            (
                "for (int k = 1; k < 8; ++k) total += partial[k][threadIdx.x];",
                ("const float* p = &partial[0][threadIdx.x]; for (int k = 1; k < 10; ++k) total += p[33 * k];"),
            )
        ),
        sample.column_sum,
        "global-buffer-overflow",
    ),
    "an index beyond the bound of an array": (
        planted(("total += partial[k][threadIdx.x]", "total += partial[k][threadIdx.x + 2]")),
        sample.column_sum,
        r"index 33 out of bounds for type 'float \[33\]'",
    ),
    "an index that overflows": (
        planted(
            ("const long long i = (long long)row * 288 + column;", "const long long i = row * 1000000000 + column;")
        ),
        sample.forward_experts,
        "signed integer overflow",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("defect", MEMORY)
def test_sanitizers_see_bad_accesses(defect: str) -> None:
    source, run, message = MEMORY[defect]
    with pytest.raises(SanitizerError, match=message):
        run(Emulator(source, sanitize="address,undefined"), 33)


@pytest.mark.slow
def test_a_misaligned_vector_is_seen() -> None:
    """The address that a slice has is the address that the sanitized program gives it."""
    g, f, f_second = (sample.random(2 * 288 + 4) for _ in range(3))
    args = (g[4:], f[4:], f_second[4:], np.int32(2))
    emulator = Emulator(sample.SOURCE, sanitize="address,undefined")
    emulator.launch("forward_experts_x4", (2, 1), (64, 2), args)
    with pytest.raises(SanitizerError, match=r"misaligned address .* 'const struct float4', which requires 16 byte"):
        emulator.launch("forward_experts_x4", (2, 1), (64, 2), (g[3:-1], *args[1:]))


RACES = [defect for defect in ORDER_DEPENDENT if defect.startswith(("no barrier", "every block"))]
CASES = [(defect, "forward") for defect in RACES] + [(RACES[0], "reverse"), (RACES[0], "shuffled")]


@pytest.mark.slow
@pytest.mark.parametrize(("defect", "order"), CASES)
def test_races_are_seen_whether_or_not_the_numbers_are_wrong(defect: str, order: Order) -> None:
    source, run = ORDER_DEPENDENT[defect]
    with pytest.raises(SanitizerError, match="data race"):
        run(Emulator(source, order=order, sanitize="thread"), 9)
