"""Threads: the same bits from any thread and on any number of CPUs; forks; one call at a time in a workspace."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.build import Options, gather, sources
from smgen.network import Network
from tests.networks import CATALOGUE
from tests.support import module_of, random_case

BACKENDS = ("numpy", "c")


def wide() -> Network:
    """Enough work for threads, in tiles of their own and together on one."""
    return CATALOGUE["deep"]()


def case(module: ModuleType, samples: int = 2000) -> tuple[Any, Any]:
    params, x = random_case(wide(), samples=samples)
    return {key: value.astype(module.DTYPE) for key, value in params.items()}, x.astype(module.DTYPE)


def assert_same(found: Any, expected: Any) -> None:
    assert found[0] == expected[0]
    for key, value in expected[1].items():
        np.testing.assert_array_equal(found[1][key], value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_calls_from_a_pool_of_threads_give_the_main_threads_bits(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    expected = module.loss_and_grad(params, x, 0.1)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: module.loss_and_grad(params, x, 0.1), range(24)):
            assert_same(found, expected)


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


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_checked_is_computed_with(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    assert_same(module.loss_and_grad(Changing(params), x), module.loss_and_grad(params, x))


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_are_a_whole_number_of_any_kind(backend: str) -> None:
    module = module_of(wide(), "float32", backend)
    params, x = case(module)
    expected = module.loss_and_grad(params, x, workspace=module.Workspace(2))
    for two in (np.int64(2), np.uint8(2)):
        assert_same(module.loss_and_grad(params, x, workspace=module.Workspace(threads=two)), expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", ["200000000", "9" * 40, "0", "-1", "x", "", "2,1", "١"])
def test_any_omp_num_threads_is_survived(backend: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    module = module_of(wide(), "float32", backend)
    assert 1 <= module.Workspace().threads <= module._cpus()


INTERRUPTED = """
def interrupt(*_):
    raise KeyboardInterrupt


signal.signal(signal.SIGALRM, interrupt)
expected, rng, interrupts = digest(), np.random.default_rng(1), 0
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-5 + 1e-3 * rng.random())
        while True:
            net.loss_and_grad(params, x, 0.1)
            net.loss_and_grad(params, x, 0.1, workspace=workspace)
    except KeyboardInterrupt:
        interrupts += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(interrupts, digest() == expected)
"""
FORKED_IN_A_CALL = """
import threading

expected, inside = digest(), threading.Event()


def train():
    inside.set()
    for _ in range(50):
        net.loss_and_grad(params, x, 0.1, workspace=workspace)


threading.Thread(target=train).start()
inside.wait()
for _ in range(10):
    child = os.fork()
    if not child:
        signal.alarm(60)
        os._exit(digest() != expected)
    if os.waitpid(child, 0)[1]:
        sys.exit("the child hung, crashed, differed, or found the workspace in use")
print("sound")
"""
AT_THE_END = """
import atexit, threading, time

expected = digest()


def late(ask=True):
    if ask:
        time.sleep(0.5)  # the main thread has reached its end
    print(digest() == expected, flush=True)


threading.Thread(target=late).start()
atexit.register(late, False)
"""

RUN = """
import os, signal, sys, hashlib
import numpy as np
import net

x = np.random.default_rng(0).standard_normal((int(sys.argv[1]), net._D)).astype(net.DTYPE)
params, workspace = net.init_params(), net.Workspace(threads=4)


def digest():
    digests = hashlib.sha256()
    for lam in (0.0, 0.1):
        J, gradient = net.loss_and_grad(params, x, lam, workspace=workspace)
        digests.update(repr(J).encode())
        for value in gradient.values():
            digests.update(value.tobytes())
    return digests.hexdigest()
"""
PINNED = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(digest())"
FORKED = """
expected = digest()
for _ in range(5):
    child = os.fork()
    if not child:
        signal.alarm(60)
        os._exit(digest() != expected)
    if os.waitpid(child, 0)[1]:
        sys.exit("the child hung, crashed or differed")
    if digest() != expected:
        sys.exit("the parent differs")
print("sound")
"""


def run(folder: Path, backend: str, code: str, samples: int, **environment: str) -> str:
    """What a process prints that runs the code after `RUN`, with C that threads even for little work."""
    path = folder / "net.py"
    if not path.exists():
        network = wide()
        path.write_text(sources(network, gather(network, Path("net.py"), Options(backend)))[".py"], encoding="utf-8")
    flags = "-O1 -DWORTH_THREADS=0 -DMOST_ROWS=64 -DFEWEST_ROWS=32"
    known = {"SMGEN_CACHE": str(folder / "cache"), "CFLAGS": flags}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", RUN + code, str(samples)]
    result = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | known | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_bits_do_not_depend_on_the_cpus(backend: str, tmp_path: Path) -> None:
    for samples in (40, 500):
        free = run(tmp_path, backend, "print(digest())", samples)
        assert run(tmp_path, backend, PINNED, samples) == free
        assert run(tmp_path, backend, "print(digest())", samples, OMP_NUM_THREADS="1") == free


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_forked_child_computes_the_same(backend: str, tmp_path: Path) -> None:
    assert run(tmp_path, backend, FORKED, 500) == "sound"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_process_that_forks_while_other_threads_compute(backend: str, tmp_path: Path) -> None:
    code = """
import threading
expected, stop = digest(), threading.Event()
def busy():
    own = net.Workspace(threads=4)
    while not stop.is_set():
        net.loss_and_grad(params, x, 0.1, workspace=own)
thread = threading.Thread(target=busy)
thread.start()
try:
    for _ in range(20):
        child = os.fork()
        if not child:
            signal.alarm(60)
            workspace = net.Workspace(threads=4)
            os._exit(digest() != expected)
        assert os.waitpid(child, 0)[1] == 0
finally:
    stop.set()
    thread.join()
print("sound")
"""
    assert run(tmp_path, backend, code, 300) == "sound"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc on this system")
def test_helpers_end_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    code = """
import time
def threads():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("Threads:"))
net._function("energy")  # loads the BLAS too
before = threads()
expected = digest()
after = threads()
time.sleep(5)
print(after - before, threads() - before, digest() == expected)
"""
    more, later, same = run(tmp_path, "c", code, 500).split()
    assert int(more) <= (os.cpu_count() or 1) - 1 or os.cpu_count() == 1
    assert (int(later), same) == (0, "True")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_call_may_be_interrupted_anywhere(tmp_path: Path, backend: str) -> None:
    for samples in (4, 1500):
        assert run(tmp_path, backend, INTERRUPTED, samples) == "300 True"


@pytest.mark.parametrize("backend", BACKENDS)
def test_calls_are_answered_when_the_interpreter_shuts_down(tmp_path: Path, backend: str) -> None:
    assert run(tmp_path, backend, AT_THE_END, 2000) == "True\nTrue"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_child_computes_whatever_the_parent_was_in(tmp_path: Path, backend: str) -> None:
    assert run(tmp_path, backend, FORKED_IN_A_CALL, 3000) == "sound"
