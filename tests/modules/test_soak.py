"""Hours of use, in small: memory, descriptors and threads stay as they are while N changes and modules come and go.

For the ten minutes of docs/reliability.md: `SOAK_SECONDS=600 pytest tests/modules/test_soak.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smgen.build import Options, build_info, sources
from tests.networks import CATALOGUE

SECONDS = float(os.environ.get("SOAK_SECONDS", "12"))
LOADINGS = 2000 if SECONDS >= 600 else 300
TARGETS = ["numpy", "c"] if shutil.which("cc") else ["numpy"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc"),
]

COMMON = """
import gc, os, sys, time
import numpy as np

def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def open_files():
    return len(os.listdir("/proc/self/fd"))
"""
STEPS = """
import net

seconds = float(sys.argv[1])
rng = np.random.default_rng(0)
params = net.init_params()
whole = rng.standard_normal((4000, net._D)).astype(net.DTYPE)
workspace = net.Workspace()


def step(n):
    x = whole[int(rng.integers(1, 4001 - n)):][:n]
    for lam in (0.0, 0.1):
        net.loss_and_grad(params, x, lam, workspace=workspace)
    net.loss_terms(params, np.asfortranarray(x), 0.1)
    net.score(params, x[::-1])
    net.hessian_diagonal(params, x[::2])
    net.energy(params, x)
    net.flatten(net.unflatten(net.flatten(params)))
    if n % 7 == 0:
        net.loss_and_grad(params, x, workspace=net.Workspace(int(rng.integers(1, 4))))
        for wrong in (x[:, :-1], x.astype(int), None):
            try:
                net.loss(params, wrong)
            except ValueError:
                pass


for n in (3999, 1, 3999):
    step(n)
begin, states = time.perf_counter(), []
while (spent := time.perf_counter() - begin) < seconds:
    step(int(rng.integers(1, 4000)))
    if spent > seconds / 10 and (not states or spent > states[-1][0] + seconds / 20):
        states.append((spent, resident(), open_files()))
memory = [state[1] for state in states]
print(max(memory) - min(memory), len({state[2] for state in states}))
"""
LOADS = """
import importlib.util

def load(k):
    spec = importlib.util.spec_from_file_location("net", "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if k % 20 == 0:
        module.loss_and_grad(module.init_params(), np.ones((50, module._D), module.DTYPE))

def plain(k):
    spec = importlib.util.spec_from_file_location("plain", "plain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

def growth(load, count):
    # Medians of the first and of the last quarter: malloc itself moves by a megabyte or two.
    states = np.zeros((count // 10, 3))
    for k in range(-200, count):
        load(k)
        if k >= 0 and k % 10 == 0:
            states[k // 10] = resident(), open_files(), len(gc.get_objects())
    quarter = len(states) // 4
    return np.median(states[-quarter:], axis=0) - np.median(states[:quarter], axis=0)

count = int(float(sys.argv[1]))
print(*growth(load, count), growth(plain, count)[0])
"""


def run(folder: Path, backend: str, code: str, argument: float) -> list[float]:
    """The numbers that a process prints."""
    network = CATALOGUE["deep"]()
    text = sources(network, build_info(network, Path("net.py"), Options(backend=backend)))[".py"]
    (folder / "net.py").write_text(text, encoding="utf-8")
    (folder / "plain.py").write_text('"""A module that does nothing."""\nNUMBER = 1\n', encoding="utf-8")
    environment = os.environ | {"SMGEN_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", COMMON + code, str(argument)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


@pytest.mark.parametrize("backend", TARGETS)
def test_memory_and_descriptors_stay_flat(backend: str, tmp_path: Path) -> None:
    spread, counts = run(tmp_path, backend, STEPS, SECONDS)
    assert spread <= 4, f"resident memory moved by {spread:.1f} MB"  # ± 2 MB
    assert counts == 1


@pytest.mark.parametrize("backend", TARGETS)
def test_loads_of_modules_leave_nothing(backend: str, tmp_path: Path) -> None:
    grown, files, objects, loader = run(tmp_path, backend, LOADS, LOADINGS)
    assert grown - loader <= 2, f"{grown:.1f} MB, of which the loader leaves {loader:.1f} MB"
    assert files == 0
    assert objects <= LOADINGS / 4, f"{objects:.0f} objects are held by modules that are gone: hundreds are a module's"
