"""What is not in smgen, registered through its public tables: nothing else is changed, and everything works."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sympy

import smgen as sm
from smgen.analysis.exactness import verdict
from smgen.build import Options, build_info, sources
from smgen.functions import FUNCTIONS
from smgen.hessians import MODES
from smgen.layers.nodes import Node
from smgen.network import Network
from smgen.objectives import OBJECTIVES
from smgen.report.reference import evaluate
from smgen.targets import TARGETS
from tests import oracle
from tests.extensions.algebraic import algebraic
from tests.extensions.circulant import circulant
from tests.extensions.diagonal import diagonal
from tests.extensions.modes import FORWARD
from tests.extensions.objectives import ROBUST
from tests.extensions.opencl import OpenCl
from tests.networks import CATALOGUE
from tests.support import Array, Params, assert_close, module_of, random_case, spec_of
from tests.targets.cuda.emitted import assert_agrees

BACKENDS = ("numpy", "c")
COMPILER = shutil.which("cc")


def turning(*, dense: bool) -> Network:
    """Two circulant layers and what mixes them, or the same with weights that are matrices."""
    x = sm.input(3)
    first = sm.linear(x, 3, bias=False, name="first") if dense else circulant(x, "first")
    h = sm.tanh(first)
    second = sm.linear(h, 3, bias=False, name="second") if dense else circulant(h, "second")
    return Network(energy=sm.softplus(second))


def unrolled(params: Params) -> Params:
    return {f"{key.removesuffix('_row')}.weight": _matrix(row) for key, row in params.items()}


def _matrix(row: Array) -> Array:
    return np.array([[row[(i - j) % 3] for j in range(3)] for i in range(3)])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
def test_a_kind_of_layer(mode: str, backend: str) -> None:
    network, same = turning(dense=False), turning(dense=True)
    assert verdict(network).exact is verdict(same).exact is False
    params, x = random_case(network)
    ours, theirs = (module_of(n, backend=backend, hessian=mode, probes=2) for n in (network, same))
    probe_arguments = {"probes": ours.draw_probes(len(x), 0)} if mode == "hutchinson" else {}
    assert_close(
        ours.hessian_diagonal(params, x, **probe_arguments),
        theirs.hessian_diagonal(unrolled(params), x, **probe_arguments),
        1e-12,
    )
    for lam in (0.0, 0.3):
        J, gradient = ours.loss_and_grad(params, x, lam, **probe_arguments)
        J_same, of_matrix = theirs.loss_and_grad(unrolled(params), x, lam, **probe_arguments)
        assert_close(J, J_same, 1e-12)
        for key in params:
            matrix = of_matrix[f"{key.removesuffix('_row')}.weight"]
            expected = [sum(matrix[i, (i - k) % 3] for i in range(3)) for k in range(3)]
            assert_close(gradient[key], expected, 1e-12, f"{key} at {lam}")
    assert ours.selftest()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
def test_a_kind_with_a_number_for_each_unit(mode: str, backend: str) -> None:
    def scaled(times: Callable[[Node, str], Node]) -> Network:
        h = sm.tanh(sm.linear(times(sm.input(4), "first"), 5, name="mix"))
        return Network(energy=sm.softplus(sm.linear(times(h, "second"), 2, name="top")))

    network = scaled(diagonal)
    same = scaled(lambda h, name: h * sm.parameter(h.units, name=f"{name}_gain"))
    params, x = random_case(network)
    ours, theirs = (module_of(n, backend=backend, hessian=mode, probes=2) for n in (network, same))
    probes = {"probes": ours.draw_probes(len(x), 0)} if mode == "hutchinson" else {}
    for lam in (0.0, 0.3):
        (J, gradient), (J_same, expected) = (m.loss_and_grad(params, x, lam, **probes) for m in (ours, theirs))
        assert_close(J, J_same, 1e-12)
        for key in params:
            assert_close(gradient[key], expected[key], 1e-12, f"{key} at {lam}")
    assert ours.selftest()


def test_the_definitions_know_a_kind_of_layer() -> None:
    network, same = turning(dense=False), turning(dense=True)
    params, x = random_case(network)
    assert_close(
        evaluate(network, params, x[0]).hessian, oracle.hessian(spec_of(same), unrolled(params), x[:1])[0], 1e-9
    )


def test_a_kind_of_layer_on_the_gpu() -> None:
    network = turning(dense=False)
    assert_agrees(network, "float64", *random_case(network, samples=5))


@pytest.fixture
def forward(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setitem(MODES, FORWARD.name, FORWARD)
    yield FORWARD.name
    module_of.cache_clear()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_hessian_mode(forward: str, backend: str) -> None:
    network = CATALOGUE["deep"]()
    params, x = random_case(network)
    module = module_of(network, backend=backend, hessian=forward)
    K, L, dK, dL = oracle.exact_loss_and_grad_terms(spec_of(network), params, x, 0.3)
    J, gradient = module.loss_and_grad(params, x, 0.3)
    assert_close(J, K + L, 1e-9)
    for key in params:
        assert_close(gradient[key], dK[key] + dL[key], 1e-9, key)
    assert module.METADATA["hessian"] == forward
    assert Options(hessian=forward).mode is FORWARD


@pytest.fixture
def algebraic_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(FUNCTIONS, "algebraic", algebraic)
    yield
    module_of.cache_clear()


@pytest.mark.parametrize("backend", [*BACKENDS, "cuda"])
@pytest.mark.usefixtures("algebraic_known")
def test_a_scalar_function(backend: str) -> None:
    def energy(f: Callable[[sympy.Expr], sympy.Expr]) -> Network:
        return Network(energy=sm.pointwise(sm.linear(sm.input(3), 4), lambda g: sympy.log(2 + f(g)) + g**2 / 4))

    network, same = energy(algebraic), energy(lambda g: g / sympy.sqrt(1 + g**2))
    assert verdict(network).exact
    params, x = random_case(network, samples=5)
    if backend == "cuda":
        assert_agrees(network, "float64", params, x)
        return
    ours, theirs = module_of(network, backend=backend), module_of(same, backend=backend)
    for lam in (0.0, 0.3):
        J, gradient = ours.loss_and_grad(params, x, lam)
        J_same, expected = theirs.loss_and_grad(params, x, lam)
        assert_close(J, J_same, 1e-12)
        for key in params:
            assert_close(gradient[key], expected[key], 1e-11, key)
    assert_close(ours.energy(params, 1e100 * x), theirs.energy(params, 1e100 * x), 1e-12)


@pytest.fixture
def robust(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(OBJECTIVES, ROBUST.name, ROBUST)
    module_of.cache_clear()
    yield
    module_of.cache_clear()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
@pytest.mark.usefixtures("robust")
def test_an_objective(mode: str, backend: str) -> None:
    network = CATALOGUE["deep"]()
    params, x = random_case(network)
    module = module_of(network, backend=backend, hessian=mode, probes=2, objective="hyvarinen,robust")
    probe_arguments = {"probes": module.draw_probes(len(x), 0)} if mode == "hutchinson" else {}
    for lam in (0.0, 0.3) if mode != "hutchinson" else (0.0,):
        delta, prime = -module.score(params, x), module.hessian_diagonal(params, x, **probe_arguments)
        R = np.log(np.cosh(delta)).sum(axis=1).mean()
        S = (-2 * prime + lam * prime**2 / 2).sum(axis=1).mean()
        assert_close(module.robust_loss_terms(params, x, lam, **probe_arguments), (R, S), 1e-12)
        J, gradient = module.robust_loss_and_grad(params, x, lam, **probe_arguments)
        apart = module.robust_loss_and_grad_terms(params, x, lam, **probe_arguments)
        assert_close(J, R + S, 1e-12)
        for key in params:
            assert_close(gradient[key], apart[2][key] + apart[3][key], 1e-12, key)
    assert module.selftest()


@pytest.mark.usefixtures("robust")
def test_an_objective_says_what_it_is() -> None:
    module = module_of(CATALOGUE["ica"](), objective="hyvarinen,robust")
    robust, usual = (function.__doc__.splitlines()[0] for function in (module.robust_loss, module.loss))
    assert robust == "J = R + S, the mean over the batch of Σ logcosh(δ) + Σ (−2 δ′ + ½ λ δ′²)."
    assert usual == "J = K + L, the mean over the batch of ½ Σ δ² + Σ (−δ′ + λ δ′²)."


@pytest.fixture
def opencl(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(TARGETS, "opencl", OpenCl())
    return "opencl"


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
def test_a_target_dialect(mode: str, dtype: str, opencl: str, tmp_path: Path) -> None:
    """What it prints is C where functions are overloaded, as they are with <tgmath.h>."""
    network = CATALOGUE["deep"]()
    text = sources(network, build_info(network, Path("net.py"), Options(backend=opencl, dtype=dtype, hessian=mode)))[
        ".cl"
    ]
    assert "*f_second = " in text or "(*f_second) = " in text
    assert "expf(" not in text
    source = tmp_path / "net.c"
    source.write_text(f"#include <tgmath.h>\n{text}", encoding="utf-8")
    command = [str(COMPILER), "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-c", str(source)]
    result = subprocess.run([*command, "-o", str(tmp_path / "net.o")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
