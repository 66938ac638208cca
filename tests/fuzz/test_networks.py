"""Random graphs, in every mode, both dtypes, NumPy and C, against the oracle."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from smgen.build import Options, build_info, source
from smgen.loader import load_source
from smgen.network import Network
from tests import oracle
from tests.fuzz.graphs import random_network
from tests.support import Array, Params, assert_close, random_case, spec_of

pytestmark = [pytest.mark.fuzz, pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid", "ignore:.*not finite")]
TARGETS = ("numpy", "c") if shutil.which("cc") else ("numpy",)


def module(network: Network, backend: str, dtype: str, mode: str, batch: int) -> ModuleType:
    options = Options(
        backend=backend, dtype=dtype, hessian=mode, batch_size=batch, probes=2 if mode == "hutchinson" else 1
    )
    return load_source(source(network, build_info(network, Path("net.py"), options)), "fuzz")


def truth(network: Network, mode: str, params: Params, x: Array, lam: float) -> tuple[float, float, Params]:
    """K, L and the gradient by their definitions."""
    spec = spec_of(network)
    terms = oracle.exact_loss_and_grad_terms if mode == "exact" else oracle.loss_and_grad_terms
    K, L, dK, dL = terms(spec, params, x, lam)
    return K, L, {key: dK[key] + dL[key] for key in dK}


@pytest.mark.parametrize("backend", TARGETS)
def test_random_graphs(backend: str, rounds: Iterator[np.random.Generator], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-O1 -DWORTH_THREADS=0 -DFEWEST_ROWS=2 -DMOST_ROWS=4")
    for rng in rounds:
        network = random_network(rng)
        mode = str(rng.choice(["diagonal", "exact", "hutchinson"]))
        dtype = str(rng.choice(["float64", "float64", "float32"]))
        samples = int(rng.integers(1, 9))
        params, x = random_case(network, int(rng.integers(1 << 30)), samples)
        lam = float(rng.choice([0.0, 0.3]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = module(network, backend, dtype, mode, int(rng.choice([1, 1024, 10**6])))
        params = {key: value.astype(dtype).astype(np.float64) for key, value in params.items()}
        x = x.astype(dtype).astype(np.float64)
        low = {key: value.astype(dtype) for key, value in params.items()}
        tolerance = 1e-10 if dtype == "float64" else 3e-3
        probe_arguments = {}
        if mode == "hutchinson":
            probe_arguments["probes"] = net.draw_probes(samples, int(rng.integers(1000)))
        J, gradient = net.loss_and_grad(low, x.astype(dtype), lam, workspace=net.Workspace(2), **probe_arguments)
        K, L = net.loss_terms(low, x.astype(dtype), lam, **probe_arguments)
        what = f"{network.text}{mode}, {dtype}, λ = {lam}"
        if mode == "hutchinson":
            single = module(network, "numpy", "float64", mode, 1)
            double = {"probes": probe_arguments["probes"].astype(np.float64)}
            expected_J, expected = single.loss_and_grad(params, x, lam, **double)
            assert_close(J, expected_J, tolerance, what)
        else:
            expected_K, expected_L, expected = truth(network, mode, params, x, lam)
            size = max(abs(expected_K), abs(expected_L), 1.0)
            assert abs(K - expected_K) + abs(L - expected_L) <= tolerance * size, what
            assert abs(J - expected_K - expected_L) <= tolerance * size, what
        largest = max((float(np.abs(value).max()) for value in expected.values()), default=0.0)
        for key, value in expected.items():
            error = float(np.abs(gradient[key] - value).max())
            assert error <= tolerance * max(largest, 1.0), f"{what}, {key}: {error}"
