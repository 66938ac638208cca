"""Processes that use modules: any CPUs, forks, interrupts, the interpreter's end; the same bits each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smgen.build import Options, build_info, sources
from tests.modules.wide import TARGETS, wide

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
        path.write_text(
            sources(network, build_info(network, Path("net.py"), Options(backend=backend)))[".py"], encoding="utf-8"
        )
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
@pytest.mark.parametrize("backend", TARGETS)
def test_the_bits_do_not_depend_on_the_cpus(backend: str, tmp_path: Path) -> None:
    for samples in (40, 500):
        free = run(tmp_path, backend, "print(digest())", samples)
        assert run(tmp_path, backend, PINNED, samples) == free
        assert run(tmp_path, backend, "print(digest())", samples, OMP_NUM_THREADS="1") == free


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("backend", TARGETS)
def test_a_forked_child_computes_the_same(backend: str, tmp_path: Path) -> None:
    assert run(tmp_path, backend, FORKED, 500) == "sound"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("backend", TARGETS)
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


@pytest.mark.parametrize("backend", TARGETS)
def test_a_call_may_be_interrupted_anywhere(tmp_path: Path, backend: str) -> None:
    for samples in (4, 1500):
        assert run(tmp_path, backend, INTERRUPTED, samples) == "300 True"


@pytest.mark.parametrize("backend", TARGETS)
def test_calls_are_answered_when_the_interpreter_shuts_down(tmp_path: Path, backend: str) -> None:
    assert run(tmp_path, backend, AT_THE_END, 2000) == "True\nTrue"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("backend", TARGETS)
def test_a_child_computes_whatever_the_parent_was_in(tmp_path: Path, backend: str) -> None:
    assert run(tmp_path, backend, FORKED_IN_A_CALL, 3000) == "sound"
