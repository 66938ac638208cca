"""NumPy modules on tiles of rows: any number of rows and threads gives one tile's result, always the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.build import Options, build_info, sources
from smgen.network import Network
from tests.networks import CATALOGUE
from tests.support import assert_close, module_of, random_case

NETWORKS = ("ica", "skip_and_branch", "concatenated", "energy_with_children")


@pytest.fixture
def tiny_tiles(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module whose tiles have at most `rows` rows, with threads from `fewest` rows on."""

    def prepared(network: Network, dtype: str = "float64", rows: int = 16, fewest: int = 8) -> ModuleType:
        module = module_of(network, dtype)
        monkeypatch.setattr(module, "_FEWEST", fewest)
        tiling = {name: (rows, *others) for name, (_, *others) in module._TILING.items()}
        monkeypatch.setattr(module, "_TILING", tiling)
        return module

    return prepared


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_number_of_rows_and_threads(name: str, dtype: str, tiny_tiles: Any) -> None:
    network = CATALOGUE[name]()
    reference = module_of(network, "float64")
    whole = {}
    for samples in (1, 15, 16, 17, 33, 100):
        params, x = random_case(network, samples, samples)
        results = [reference.loss_and_grad(params, x, lam) for lam in (0.0, 0.3)]
        whole[samples] = params, x, results, reference.score(params, x), reference.energy(params, x)
    module = tiny_tiles(network, dtype)
    tolerance = 1e-13 if dtype == "float64" else 2e-5
    for params, x, results, score, energy in whole.values():
        params = {key: value.astype(dtype) for key, value in params.items()}
        x = x.astype(dtype)
        for threads in (1, 2, 3):
            workspace = module.Workspace(threads=threads)
            for lam, (J, gradient) in zip((0.0, 0.3), results, strict=True):
                loss, ours = module.loss_and_grad(params, x, lam, workspace=workspace)
                again, same = module.loss_and_grad(params, x, lam, workspace=workspace)
                assert loss == again
                assert_close(loss, J, tolerance, f"J with {threads} threads")
                for key in gradient:
                    assert ours[key].dtype == dtype
                    assert_close(ours[key], gradient[key], tolerance, key)
                    np.testing.assert_array_equal(ours[key], same[key])
        assert_close(module.score(params, x), score, tolerance, "score")
        assert_close(module.energy(params, x), energy, tolerance, "energy")


def test_memory_does_not_grow_with_the_batch() -> None:
    network = CATALOGUE["ica"]()
    module = module_of(network)
    peaks = []
    for samples in (20_000, 200_000):
        params, x = random_case(network, samples=samples)
        workspace = module.Workspace(threads=2)
        tracemalloc.start()
        module.loss_and_grad(params, x, 0.1, workspace=workspace)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


def test_threads_are_used_and_the_blas_is_given_back(tiny_tiles: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info

    def blas_threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    network = CATALOGUE["ica"]()
    module = tiny_tiles(network)
    seen: dict[int, list[int]] = {}
    over_tiles = module._Call.over_tiles

    def watched(call: Any, tile: Any, *data: Any) -> Any:
        def noting(*arguments: Any) -> Any:
            seen[threading.get_ident()] = blas_threads()
            time.sleep(0.05)  # long enough for the other thread to come: one that is late finds its part taken
            return tile(*arguments)

        return over_tiles(call, noting, *data)

    monkeypatch.setattr(module._Call, "over_tiles", watched)
    monkeypatch.setattr(module, "_FEW", 0)  # FLOPs for which the BLAS is not told
    before = blas_threads()
    params, x = random_case(network, samples=64)
    module.loss_and_grad(params, x, workspace=module.Workspace(threads=2))
    assert len(seen) == 2
    assert all(set(threads) == {1} for threads in seen.values())
    assert blas_threads() == before


def test_without_threadpoolctl_one_thread_does_it(tiny_tiles: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = CATALOGUE["ica"]()
    module = tiny_tiles(network)
    params, x = random_case(network, samples=64)
    expected, _ = module.loss_and_grad(params, x, workspace=module.Workspace(threads=1))
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr(module, "_one_blas_thread", module._OneBlasThread())
    workspace = module.Workspace(threads=2)
    loss, _ = module.loss_and_grad(params, x, workspace=workspace)
    assert_close(loss, expected, 1e-13)
    assert workspace._helpers == 0


def test_the_callers_errstate_decides_of_results_alone(tiny_tiles: Any) -> None:
    network = CATALOGUE["cubic"]()
    module = tiny_tiles(network, "float32")
    params, x = random_case(network, samples=64)
    x = (1e30 * x).astype(np.float32)
    workspace = module.Workspace(threads=2)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        module.loss_and_grad(params, x, workspace=workspace)
    with np.errstate(all="ignore"):
        module.loss_and_grad(params, x, workspace=workspace)
    heard: list[str] = []
    with np.errstate(all="call", call=lambda *_: heard.append("")):
        module.loss_and_grad(params, x, workspace=workspace)
    assert heard == []  # what happens on the way to a result is nobody's business


def test_large_values_are_not_taken_for_infinite_ones() -> None:
    module = module_of(CATALOGUE["linear_energy"](), "float32")
    params, x = random_case(CATALOGUE["linear_energy"](), samples=8)
    params = {key: value.astype(np.float32) for key, value in params.items()}
    x = np.full_like(x, 3e38, np.float32)
    assert np.isfinite(module.score(params, x)).all()


FORKED = """
import os, signal, sys
import net, numpy as np

params, x = net.init_params(), np.ones((512, 4), net.DTYPE)
workspace = net.Workspace(threads=2)
expected = net.loss_and_grad(params, x, workspace=workspace)[0]
assert workspace._helpers == 1
child = os.fork()
if not child:
    signal.alarm(20)
    sys.exit(net.loss_and_grad(params, x, workspace=workspace)[0] != expected)
sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_threads_of_its_own(tmp_path: Path) -> None:
    network = CATALOGUE["ica"]()
    (tmp_path / "net.py").write_text(sources(network, build_info(network, Path("net.py"), Options()))[".py"])
    subprocess.run([sys.executable, "-c", FORKED], cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True, np.bool_(True), 1025, 10**30, [2]])
def test_only_positive_whole_numbers_of_threads(threads: Any) -> None:
    for backend in ("numpy", "c"):
        module = module_of(CATALOGUE["ica"](), backend=backend)
        with pytest.raises(ValueError, match="threads: expected a whole number from 1 to 1024 or None, got "):
            module.Workspace(threads=threads)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("threads", [1, 2])
def test_sums_over_many_tiles_keep_their_digits(backend: str, threads: int) -> None:
    """A constant column, of which every tile adds the same to a sum that was float32 throughout."""
    x = sm.input(2)
    network = Network(energy=sm.square(sm.linear(x, 1, bias=False, name="w")))
    single, double = module_of(network, "float32", backend), module_of(network)
    data = np.random.default_rng(0).standard_normal((1_000_000, 2)).astype(np.float32)
    data[:, 0] = 0.37
    params = {"w.weight": np.array([[0.3, 0.2]], np.float32)}
    J, gradient = single.loss_and_grad(params, data, 0.1, workspace=single.Workspace(threads))
    wide = {key: value.astype(np.float64) for key, value in params.items()}
    expected_J, expected = double.loss_and_grad(wide, data.astype(np.float64), 0.1)
    assert pytest.approx(expected_J, rel=1e-6) == J
    np.testing.assert_allclose(gradient["w.weight"], expected["w.weight"], rtol=2e-6)
