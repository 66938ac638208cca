"""The stand-in for CuPy counts what happens, and behaves as CuPy does."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.targets.cuda.emulator import sample
from tests.targets.cuda.emulator.emulator import Emulator
from tests.targets.cuda.fake_cupy import stand_in
from tests.targets.cuda.fake_cupy.host import SOURCE, Runner, case, load
from tests.targets.cuda.fake_cupy.stand_in import FakeCuPy, HostFault, allow_sync, counting, host_of, install, lenient


@pytest.fixture
def cp() -> Iterator[FakeCuPy]:
    with install(Runner) as cupy:
        yield cupy


def test_a_sound_step_is_right_and_within_its_budget(cp: FakeCuPy) -> None:
    host, (W, x) = load(), case(cp)
    with counting() as first:
        J = host["step"](W, x)
    assert cp.asnumpy(J) == pytest.approx(2 * (host_of(x) @ host_of(W).T).sum(), rel=1e-5)
    assert first.launches == [("scale", (1,), (64,)), ("total", (1,), (32,))]
    assert first.products == [(5, 4, 3)]
    assert first.allocations == ["empty of shape (5, 3)", "empty of shape (5, 3)", "empty of shape ()"]
    assert first.lookups == ["scale", "total"]
    with counting() as second:
        host["step"](W, x)
    assert (len(second.launches), len(second.products)) == (2, 1)
    assert second.allocations == second.synchronisations == second.lookups == []


def test_a_kernel_sees_addresses_not_strides(cp: FakeCuPy) -> None:
    module = cp.RawModule(code=SOURCE)
    x, y = cp.asarray(np.arange(12, dtype="f").reshape(3, 4)), cp.zeros((6,), cp.float32)
    module.get_function("scale")((1,), (32,), (x[:, 1:3], y, np.float32(1), np.int32(6)))
    np.testing.assert_array_equal(cp.asnumpy(y), [1, 2, 3, 4, 5, 6])


def test_leniently_bytes_are_read_as_the_kernel_declares(cp: FakeCuPy) -> None:
    scale = cp.RawModule(code=SOURCE).get_function("scale")
    x, y = cp.asarray(np.ones(4, "f")), cp.zeros(4, cp.float32)
    with lenient():
        scale((0,), (32,), (x, y, np.float32(3), 4))  # an int64's low half is the int
        np.testing.assert_array_equal(cp.asnumpy(y), [3, 3, 3, 3])
        scale((1,), (32,), (x, y, 1.5, 4))  # the low half of a float64 is not the float
        np.testing.assert_array_equal(cp.asnumpy(y), [0, 0, 0, 0])
    with lenient(), pytest.raises(HostFault, match="int16 passed where int"):
        scale((1,), (32,), (x, y, np.float32(3), np.int16(4)))


def test_implicit_transfers_are_allowed_and_counted_where_asked(cp: FakeCuPy) -> None:
    J = cp.asarray(np.array(2.5))
    with counting() as counters, allow_sync():
        assert (float(J), int(J), bool(J), [1, 2, 3][cp.asarray(np.array(1))]) == (2.5, 2, True, 2)
        assert [float(v) for v in cp.asarray(np.arange(2.0))] == [0, 1]
    cp.cuda.Device().synchronize()
    assert len(counters.synchronisations) == 4 + 3


def test_only_float_rows_of_one_element_allocate_in_a_product(cp: FakeCuPy) -> None:
    row, column = cp.asarray(np.ones((1, 7), "f")), cp.asarray(np.ones((7, 1), "f"))
    with counting() as counters:
        out = cp.empty((1, 1), cp.float32)
        cp.matmul(row, column, out=out)
        cp.matmul(row[0], column[:, 0], out=out[0, 0])
        cp.matmul(column, row, out=cp.empty((7, 7), cp.float32))
        cp.matmul(row[0], cp.zeros((7, 2), cp.float32))
    assert counters.products == [(1, 7, 1), (1, 7, 1), (7, 1, 7), (1, 7, 2)]
    assert [reason for reason in counters.allocations if "matmul" in reason] == [
        "temporary of a matmul with one element",
        "temporary of a matmul with one element",
        "result of matmul of shape (2,)",
    ]


def test_overlap_and_copies_are_counted_leniently(cp: FakeCuPy) -> None:
    x = cp.asarray(np.ones((4, 4), "f"))
    with lenient(), counting() as counters:
        cp.matmul(x, x.T, out=x)
        cp.matmul(x[:, :2], x[:2, :2], out=cp.zeros((2, 4), cp.float32).T)
        x[:, :2].reshape(8)
    assert len(counters.allocations) == 1 + 4 + 1
    with pytest.raises(HostFault, match="out overlaps"):
        cp.matmul(x, x.T, out=x)


def test_memory_is_poisoned_aligned_and_copied(cp: FakeCuPy) -> None:
    x = cp.empty((3, 5), cp.float32)
    assert np.isnan(cp.asnumpy(x)).all()
    assert np.isnan(cp.asnumpy(cp.empty(3))).all()
    assert x.data.ptr % 512 == 0
    with counting() as counters:
        copies = [x.copy(), x.astype(cp.float64), cp.asarray(x, cp.float64), cp.asarray(np.zeros(3))]
        same = [cp.asarray(x), x.astype(cp.float32, copy=False), x[:2], x.T, x.reshape(-1), x.reshape(5, 3)]
    assert len(counters.allocations) == len(copies)
    assert all(np.shares_memory(host_of(x), host_of(view)) for view in same)


def test_cupy_without_a_device_and_no_cupy_at_all() -> None:
    with install(Runner, devices=0) as cp:
        module = cp.RawModule(code=SOURCE)
        calls: list[Callable[[], object]] = [
            cp.cuda.runtime.getDeviceCount,
            cp.cuda.is_available,
            cp.cuda.Device,
            lambda: cp.empty(3),
            lambda: module.get_function("scale"),
        ]
        for call in calls:
            with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="cudaErrorInsufficientDriver"):
                call()
    with stand_in.absent(), pytest.raises(ModuleNotFoundError):
        importlib.import_module("cupy")


@pytest.mark.skipif(shutil.which("g++") is None, reason="the emulator needs g++")
def test_with_the_emulator() -> None:
    source = sample.SOURCE
    g = np.random.default_rng(0).normal(size=(6, 288)).astype("f")
    with install(Emulator) as cp, counting() as counters:
        forward = cp.RawModule(code=source).get_function("forward_experts_x4")
        tanh, second = cp.empty(g.shape, cp.float32), cp.empty(g.shape, cp.float32)
        forward((1, 3), (128, 2), (cp.asarray(g), tanh, second, np.int32(6)))
        np.testing.assert_allclose(cp.asnumpy(tanh), np.tanh(g), rtol=1e-5)
        np.testing.assert_allclose(cp.asnumpy(second), 1 - np.tanh(g) ** 2, atol=1e-6)
        with pytest.raises(HostFault, match="forward_experts_x4 wrote outside the memory of argument 2"):
            forward((1, 4), (128, 2), (cp.asarray(g), cp.empty((6, 287), cp.float32), second, np.int32(6)))
    assert counters.launches == [("forward_experts_x4", (1, 3), (128, 2))]
