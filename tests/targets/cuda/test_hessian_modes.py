"""The exact and the Hutchinson mode on the CPU emulator: equal to the NumPy module's numbers, also in chunks."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from smgen.hessians import Method
from tests.networks import CATALOGUE
from tests.support import random_case
from tests.targets.cuda.emitted import DTYPES, REGISTERS, assert_agrees, cuda_source, example
from tests.targets.cuda.emulator.emulator import Emulator
from tests.targets.cuda.toolchain import nvrtc, sass

METHODS = [Method("exact"), Method("hutchinson", probes=1), Method("hutchinson", probes=3)]
NETWORKS = ("deep", "constants_concat")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.hessian}-{m.probes}")
def test_agrees_with_numpy(name: str, method: Method) -> None:
    network = CATALOGUE[name]()
    for dtype, samples in (("float64", 5), ("float32", 1)):
        assert_agrees(network, dtype, *random_case(network, seed=samples, samples=samples), method=method)


@pytest.mark.skipif(not nvrtc.available(), reason=str(nvrtc.available().reason))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.hessian}-{m.probes}")
def test_compiles_without_a_warning(method: Method, dtype: str) -> None:
    for architecture in (nvrtc.ARCHITECTURES[0], nvrtc.ARCHITECTURES[-1]):
        assert not nvrtc.compile_cuda(cuda_source(example("skip"), dtype, method), architecture).warnings


@pytest.mark.slow
@pytest.mark.skipif(not nvrtc.available(), reason=str(nvrtc.available().reason))
@pytest.mark.skipif(not sass.available(), reason=str(sass.available().reason))
@pytest.mark.parametrize("method", METHODS[::2], ids=lambda m: m.hessian)
def test_nothing_is_spilled(method: Method) -> None:
    compiled = nvrtc.compile_cuda(cuda_source(example("skip"), "float32", method), "sm_90")
    for kernel in sass.kernels(compiled.cubin).values():
        assert not kernel.local_accesses, kernel.name
        assert kernel.resources.stack == 0, kernel.name
        assert kernel.resources.registers <= REGISTERS["float32"], f"{kernel.name}: {kernel.resources.registers}"


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS[::2], ids=lambda m: m.hessian)
@pytest.mark.parametrize("runner", [{"order": "shuffled", "seed": 1}, {"sanitize": "address,undefined"}], ids=str)
def test_any_order_of_threads_and_the_sanitizers(method: Method, runner: dict[str, Any]) -> None:
    network = CATALOGUE["deep_linear_top"]()
    assert_agrees(network, "float32", *random_case(network, samples=5), partial(Emulator, **runner), method=method)


@pytest.mark.parametrize("method", METHODS[::2], ids=lambda m: m.hessian)
def test_chunks_that_fit_the_budget(method: Method) -> None:
    network = CATALOGUE["deep"]()
    assert_agrees(network, "float64", *random_case(network, samples=7), method=method, budget=6000)
