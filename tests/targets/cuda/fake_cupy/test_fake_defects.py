"""Defects planted in host code that a GPU would run all the same: the stand-in for CuPy catches each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.targets.cuda.fake_cupy.host import HOST, Runner, case, load
from tests.targets.cuda.fake_cupy.stand_in import CUDADriverError, FakeCuPy, HostFault, counting, install


@pytest.fixture
def cp() -> Iterator[FakeCuPy]:
    with install(Runner) as cupy:
        yield cupy


# name: (text of the host code, what replaces it, what the fault says)
WRONG = {
    "python int": (
        "np.int32(g.size)))\n    k",
        "g.size))\n    k",
        "argument 4 of scale: int64 passed where int",
    ),
    "python float": ("np.float32(2)", "2.0", "argument 3 of scale: float64 passed where float is expected"),
    "wide scalar": (
        "np.int32(g.size)))\n    r",
        "np.int64(g.size)))\n    r",
        "total: int64 passed where int",
    ),
    "swapped scalars": (
        "np.float32(2), np.int32(g.size)",
        "np.int32(g.size), np.float32(2)",
        "int32 passed where",
    ),
    "swapped arrays": ("(scaled, J,", "(J, scaled,", "an array of float64 passed where const float"),
    "swapped kinds": ("g, scaled, np.float32(2)", "g, np.float32(2), scaled", "float32 passed where float\\* is"),
    "argument missing": ("np.float32(2), ", "", "scale takes 4 arguments; 3 passed"),
    "double buffer": ("g.shape)", "g.shape, cp.float64)", "an array of float64 passed where float\\* is expected"),
    "out of another dtype": ("W.shape[0]))", "W.shape[0]), cp.float64)", "matmul: out is float64, the product float32"),
    "operands of two dtypes": ("(x, W.T", "(x, W.T.astype(cp.float64)", "matmul: float32 times float64"),
    "strided operand": ("(x, W.T", "(x[:, :3], W[:, :3].T", "matmul: a of shape .* is not contiguous"),
    "strided second operand": ("(x, W.T", "(x[:, ::2].copy(), W[:, ::2].T", "matmul: b of shape .* is not contiguous"),
    "strided out": ("out=g", "out=buffer('wide', (5, 4))[:, :3]", "matmul: out of strides .* is not C-contiguous"),
    "out over an operand": ("(x, W.T, out=g)", "(g, g[:3], out=g)", "matmul: out overlaps an operand"),
    "reshape that copies": ("(x, W.T", "(x.T.reshape(5, 4), W.T", "reshape of strides .* copies"),
    "empty grid": ("(g.size + 63) // 64", "g.size // 64", "scale: grid \\(0,\\) is empty"),
    "float()": ("return J", "return float(J)", "float\\(\\) of a device array waits"),
    "bool()": ("return J", "return J or 0", "bool\\(\\) of a device array waits"),
    "int()": ("return J", "return int(J)", "int\\(\\) of a device array waits"),
    "iteration": ("return J", "return [row for row in x]", "iteration over a device array waits"),
}
# the same for what CuPy refuses or the stand-in does not know; the type of the exception comes first
REFUSED = {
    "host array": ("(scaled, J,", "(cp.asnumpy(scaled), J,", TypeError, "use asarray"),
    "numpy function": ("return J", "return np.log(J)", TypeError, "__array_ufunc__"),
    "numpy conversion": ("return J", "return np.asarray(J)", TypeError, "implicit conversion"),
    "host operand": ("(x, W.T", "(cp.asnumpy(x), W.T", TypeError, "matmul: a is a ndarray"),
    "operator": ("return J", "return J + 1", TypeError, "unsupported operand"),
    "comparison": ("return J", "return J == 0", TypeError, "has no comparisons"),
    "assignment": ("return J", "x[0] = 1", TypeError, "does not support item assignment"),
    "mask": ("return J", "return x[[0, 1]]", TypeError, "only integers, slices"),
    "unknown function": ("return J", "return cp.sum(J)", AttributeError, "cupy.sum is not among"),
    "unknown method": ("return J", "return J.mean()", AttributeError, "ndarray.mean is not among"),
    "unknown module": ("return J", "return cp.cuda.Stream()", AttributeError, "cupy.cuda.Stream is not among"),
    "unknown kernel": ('"total")', '"totals")', CUDADriverError, "named symbol not found: totals"),
    "options in a list": ('("--std=c++17",)', '["--std=c++17"]', TypeError, "options a tuple"),
    "grid not a tuple": ("(blocks,)", "blocks", TypeError, "must be a tuple of integers"),
    "fractional grid": ("// 64", "/ 64", TypeError, "must be a tuple of integers"),
    "shape of out": ("W.shape[0]))", "5))", ValueError, "matmul: out has shape"),
}


@pytest.mark.parametrize("defect", [*WRONG, *REFUSED])
def test_defects_in_host_code_are_caught(cp: FakeCuPy, defect: str) -> None:
    old, new, *expected = (WRONG | REFUSED)[defect]
    kind, message = expected if len(expected) == 2 else (HostFault, expected[0])
    assert HOST.count(old) == 1
    with pytest.raises(kind, match=message):  # type: ignore[call-overload]
        load(HOST.replace(old, new))["step"](*case(cp))


def test_an_allocation_in_a_later_step_is_counted(cp: FakeCuPy) -> None:
    host, (W, x) = load(HOST.replace("workspace[name].shape != shape", "workspace[name].shape == shape")), case(cp)
    host["step"](W, x)
    with counting() as second:
        host["step"](W, x)
    assert second.allocations == ["empty of shape (5, 3)", "empty of shape (5, 3)", "empty of shape ()"]


def test_a_buffer_read_before_it_is_written_gives_nan(cp: FakeCuPy) -> None:
    host = load(HOST.replace("cp.matmul(x, W.T, out=g)", "pass"))
    assert np.isnan(cp.asnumpy(host["step"](*case(cp))))
