"""The emulator runs right kernels right, and refuses launches that CuPy would let through."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.targets.cuda.emulator import sample
from tests.targets.cuda.emulator.compiled import Sanitize
from tests.targets.cuda.emulator.emulator import (
    ORDERS,
    CompileError,
    Emulator,
    KernelError,
    LaunchError,
    Order,
    Strided,
)
from tests.targets.cuda.emulator.signatures import kernels_of

LOOP = """
extern "C" __global__ void copy(const float* __restrict__ src, float* __restrict__ out, const int N)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < N) out[i] = src[i];
}
"""
COPY = (np.ones(4, np.float32), np.zeros(4, np.float32), np.int32(4))


def by_name(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("rows", [1, 31, 33, 1000])
@pytest.mark.parametrize("run", sample.KERNELS, ids=by_name)
def test_the_sample_agrees_with_numpy_in_every_order(
    run: Callable[[Emulator, int], None], rows: int, order: Order
) -> None:
    run(Emulator(sample.SOURCE, order=order, seed=rows), rows)


@pytest.mark.slow
@pytest.mark.parametrize("run", sample.KERNELS, ids=by_name)
@pytest.mark.parametrize("sanitize", ["address,undefined", "thread"])
def test_the_sample_is_clean(run: Callable[[Emulator, int], None], sanitize: Sanitize) -> None:
    run(Emulator(sample.SOURCE, sanitize=sanitize), 9)


def test_kernels_are_parsed() -> None:
    kernels = Emulator(sample.SOURCE).kernels
    assert list(kernels) == [run.__name__ for run in sample.KERNELS]
    assert [(p.type, p.name, p.restrict) for p in kernels["finish_loss"]] == [
        ("const double*", "sum_delta_squared", True),
        ("int", "blocks_a", False),
        ("double*", "J", True),
        ("double", "lam", False),
        ("int", "N", False),
    ]


def test_only_kernels_whose_threads_meet_need_fibers() -> None:
    needs = {name: kernel.needs_fibers for name, kernel in kernels_of(sample.SOURCE).items()}
    assert needs == {run.__name__: not run.__name__.startswith("forward") for run in sample.KERNELS}


def test_a_barrier_behind_a_macro_is_found() -> None:
    source = "#define MEET \\\n  __syncthreads()\n" + LOOP.replace("if (i", "MEET; if (i")
    assert kernels_of(source)["copy"].needs_fibers


def test_a_barrier_that_was_not_found_is_an_error() -> None:
    hidden = "#define MEET __sync##threads()\n".replace("__sync##threads", "GLUE(__sync, threads)")
    source = "#define GLUE(a, b) a##b\n" + hidden + LOOP.replace("if (i", "MEET; if (i")
    with pytest.raises(KernelError, match="was taken for"):
        Emulator(source).launch("copy", (1,), (4,), COPY)


@pytest.mark.parametrize("declaration", ["__global__ void f(int n) {}", 'extern "C" __global__ void f(float4 v) {}'])
def test_a_kernel_that_is_not_understood_is_refused(declaration: str) -> None:
    with pytest.raises(ValueError, match=r"declared|understood"):
        Emulator(declaration)


def test_what_nvrtc_does_not_have_does_not_compile() -> None:
    with pytest.raises(CompileError, match="INFINITY"):
        Emulator(LOOP.replace("src[i]", "INFINITY")).launch("copy", (1,), (4,), COPY)


WRONG: dict[str, tuple[str, tuple[Any, ...]]] = {
    "one too few": ("takes 3 arguments, 2 given", COPY[:2]),
    "one too many": ("takes 3 arguments, 4 given", (*COPY, np.int32(4))),
    "swapped": ("float\\* out needs an array of float32, int32 given", (COPY[0], COPY[2], COPY[1])),
    "a Python int": ("int N needs np.int32, int given", (*COPY[:2], 4)),
    "a wide integer": ("int N needs np.int32, int64 given", (*COPY[:2], np.int64(4))),
    "a float": ("int N needs np.int32, float32 given", (*COPY[:2], np.float32(4))),
    "an array for a scalar": ("int N needs np.int32, ndarray of int32 given", (*COPY[:2], np.ones((), np.int32))),
    "a wrong dtype": ("an array of float32, ndarray of float64 given", (np.ones(4), *COPY[1:])),
    "a view with strides": ("src is not C-contiguous", (np.ones(8, np.float32)[::2], *COPY[1:])),
    "one array for both": ("src and out overlap", (COPY[1], *COPY[1:])),
    "a constant as output": ("the array is read-only", (COPY[0], np.broadcast_to(np.float32(1), (1, 1)), COPY[2])),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_refused(case: str) -> None:
    message, args = WRONG[case]
    with pytest.raises(LaunchError, match=message):
        Emulator(LOOP).launch("copy", (1,), (4,), args)


@pytest.mark.parametrize(
    ("grid", "block"),
    [((0,), (4,)), ((1,), (0, 1)), ((1,), (1025,)), ((1,), (32, 33)), ((1, 70000), (4,)), ((1.0,), (4,)), ((1,), ())],
)
def test_impossible_shapes_are_refused(grid: Any, block: Any) -> None:
    with pytest.raises(LaunchError, match=r"grid|block"):
        Emulator(LOOP).launch("copy", grid, block, COPY)


def test_launch_bounds_hold() -> None:
    bounded = Emulator(LOOP.replace("void copy", "void __launch_bounds__(128) copy"))
    bounded.launch("copy", (1,), (128,), COPY)
    with pytest.raises(LaunchError, match="at most 128"):
        bounded.launch("copy", (1,), (129,), COPY)


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(LaunchError, match="there is no kernel paste; there are copy"):
        Emulator(LOOP).launch("paste", (1,), (4,), COPY)


@pytest.mark.parametrize("sanitize", [None, pytest.param("address,undefined", marks=pytest.mark.slow)])
def test_slices_of_one_array_are_written_in_place(sanitize: Sanitize | None) -> None:
    """Strided views that interleave in memory without overlapping, as columns of one workspace do."""
    source = LOOP.replace("out[i] = src[i]", "out[4 * i] = src[4 * i]")
    whole = np.arange(32, dtype=np.float32).reshape(8, 4)
    views = (Strided(whole[:, 1]), Strided(whole[:, 2]))
    Emulator(source, sanitize=sanitize).launch("copy", (1,), (8,), (*views, np.int32(8)))
    np.testing.assert_array_equal(whole, np.arange(32).reshape(8, 4) - [0, 0, 1, 0])


@pytest.mark.parametrize("fma", [False, True])
def test_products_and_sums_are_contracted_on_request(fma: bool) -> None:
    source = LOOP.replace("out[i] = src[i]", "out[i] = src[i] * src[i] - out[i]")
    x = np.full(4, 1 + 2**-12, np.float32)
    out = x * x
    Emulator(source, fma=fma).launch("copy", (1,), (4,), (x, out, np.int32(4)))
    np.testing.assert_array_equal(out, 2**-24 if fma else 0.0)


SHUFFLES = """
extern "C" __global__ void shuffle(const int* __restrict__ in, int* __restrict__ out)
{
    const int i = threadIdx.z * 48 + threadIdx.y * 8 + threadIdx.x;
    out[i] = %s;
    __syncwarp();
}
"""


@pytest.mark.parametrize("order", ORDERS)
def test_shuffles_take_from_the_right_lane(order: Order) -> None:
    """Warps are 32 threads in x-fastest order, whatever the shape of the block."""
    lane, warps = np.arange(32), np.arange(0, 96, 32)[:, None]
    for call, source in {
        "__shfl_down_sync(0xffffffffu, in[i], 5)": np.where(lane + 5 < 32, lane + 5, lane),
        "__shfl_up_sync(0xffffffffu, in[i], 3, 8)": np.where(lane % 8 >= 3, lane - 3, lane),
        "__shfl_xor_sync(0xffffffffu, in[i], 6)": lane ^ 6,
        "__shfl_sync(0xffffffffu, in[i], 9, 8)": lane // 8 * 8 + 1,
    }.items():
        values, out = np.random.default_rng(0).integers(0, 99, 96).astype(np.int32), np.zeros(96, np.int32)
        Emulator(SHUFFLES % call, order=order).launch("shuffle", (1,), (8, 6, 2), (values, out))
        np.testing.assert_array_equal(out.reshape(3, 32), values[warps + source], err_msg=call)


EXACT: dict[str, Callable[[Any], Any]] = {
    "erfcx": lambda u: mpmath.exp(u * u) * mpmath.erfc(u),
    "rsqrt": lambda u: 1 / mpmath.sqrt(u),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_functions_that_c_lacks_are_accurate(name: str, dtype: str) -> None:
    real, suffix = ("float", "f") if dtype == "float32" else ("double", "")
    u = np.concatenate([np.linspace(-5, 60, 400), np.geomspace(1e-8, 1e3, 100)]).astype(dtype)
    u = u[(u > 0) | (name == "erfcx")]
    out = np.zeros_like(u)
    source = LOOP.replace("float", real).replace("src[i]", f"{name}{suffix}(src[i])")
    Emulator(source).launch("copy", (5,), (128,), (u, out, np.int32(u.size)))
    with mpmath.workdps(60):
        errors = [abs(float(float(y) / EXACT[name](mpmath.mpf(float(v))) - 1)) for v, y in zip(u, out, strict=True)]
    assert max(errors) <= 1.5 * np.finfo(dtype).eps


@pytest.mark.parametrize(("inserted", "floor"), [("", 20e6), ("__syncthreads(); ", 2e6)], ids=["loop", "fibers"])
def test_is_fast_enough_for_whole_networks(inserted: str, floor: float) -> None:
    """Elements a second, of processor time since the machine may be busy with something else."""
    N = 250_000
    src, out = np.ones(N, np.float32), np.zeros(N, np.float32)
    emulator = Emulator(LOOP.replace("if (i", inserted + "if (i"))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        emulator.launch("copy", (N // 250,), (250,), (src, out, np.int32(N)))
        seconds.append(time.process_time() - start)
    assert out.all()
    assert N / min(seconds) > floor
