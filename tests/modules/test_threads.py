"""Threads: the same bits from any thread and on any number of CPUs; forks; one call at a time in a workspace."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.modules.wide import TARGETS, wide
from tests.support import module_of, random_case


def case(module: ModuleType, samples: int = 2000) -> tuple[Any, Any]:
    params, x = random_case(wide(), samples=samples)
    return {key: value.astype(module.DTYPE) for key, value in params.items()}, x.astype(module.DTYPE)


def assert_same(result: Any, expected: Any) -> None:
    assert result[0] == expected[0]
    for key, value in expected[1].items():
        np.testing.assert_array_equal(result[1][key], value)


@pytest.mark.parametrize("backend", TARGETS)
def test_calls_from_a_pool_of_threads_give_the_main_threads_bits(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    expected = module.loss_and_grad(params, x, 0.1)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: module.loss_and_grad(params, x, 0.1), range(24)):
            assert_same(result, expected)


def test_the_blas_has_its_threads_back_whatever_thread_called() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def limits() -> list[int]:
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    module = module_of(wide(), "float32")
    params, x = case(module)
    before = limits()
    barrier = threading.Barrier(4)

    def work(_: int) -> None:
        barrier.wait()
        for _ in range(5):
            module.loss_and_grad(params, x)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert limits() == before
    module.loss_and_grad(params, x)
    assert limits() == before


def test_modules_share_the_blas() -> None:
    """Of two that compute at once, neither takes the BLAS from the other, and at the end it is as it was."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    modules = [module_of(wide(), "float32", hessian=mode) for mode in ("diagonal", "exact")]
    params, x = case(modules[0], 3000)
    expected = [module.loss_and_grad(params, x) for module in modules]
    barrier = threading.Barrier(4)

    def work(k: int) -> None:
        barrier.wait()
        for _ in range(10):
            assert_same(modules[k % 2].loss_and_grad(params, x), expected[k % 2])

    with threadpoolctl.threadpool_limits(3, "blas"), ThreadPoolExecutor(4) as pool:
        before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        list(pool.map(work, range(4)))
        assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before


@pytest.mark.parametrize("backend", TARGETS)
def test_a_workspace_takes_one_call_at_a_time(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module, 20_000)
    workspace = module.Workspace(threads=2)
    expected = module.loss_and_grad(params, x, workspace=workspace)
    refused, barrier = [], threading.Barrier(2)

    def work(_: int) -> None:
        barrier.wait()
        for _ in range(20):
            try:
                assert_same(module.loss_and_grad(params, x, workspace=workspace), expected)
            except ValueError as error:
                refused.append(str(error))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert refused
    assert set(refused) == {
        "workspace: expected one that no other call is using; give every thread a Workspace of its own"
    }
    assert_same(module.loss_and_grad(params, x, workspace=workspace), expected)


class Changing(dict[str, Any]):
    """Parameters that another thread replaces by unusable ones as soon as they have been read once."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        self[key] = np.zeros(1)
        return value


@pytest.mark.parametrize("backend", TARGETS)
def test_what_was_checked_is_computed_with(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    assert_same(module.loss_and_grad(Changing(params), x), module.loss_and_grad(params, x))


@pytest.mark.parametrize("backend", TARGETS)
def test_a_call_that_fails_gives_its_workspace_back(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    workspace = module.Workspace()
    expected = module.loss_and_grad(params, x, workspace=workspace)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_budget", lambda: 1)
        with pytest.raises(MemoryError):
            module.loss_and_grad(params, x, workspace=workspace)
    assert_same(module.loss_and_grad(params, x, workspace=workspace), expected)


@pytest.mark.parametrize("backend", TARGETS)
def test_threads_are_a_whole_number_of_any_kind(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    expected = module.loss_and_grad(params, x, workspace=module.Workspace(2))
    for two in (np.int64(2), np.uint8(2)):
        assert_same(module.loss_and_grad(params, x, workspace=module.Workspace(threads=two)), expected)


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize("value", ["200000000", "9" * 40, "0", "-1", "x", "", "2,1", "١"])
def test_any_omp_num_threads_is_survived(backend: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    module = module_of(wide(), "float32", backend)
    assert 1 <= module.Workspace().threads <= module._cpus()
