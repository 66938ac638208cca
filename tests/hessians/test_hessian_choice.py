"""Choosing a hessian mode: what `smgen` asks, shows, measures and recommends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import smgen as sm
from smgen.build import Options, compiled
from smgen.hessians import MODES, Method, scheme
from smgen.hessians.cuts import chosen_cuts
from smgen.ir import STEPS
from smgen.loader import load
from smgen.network import Network
from smgen.report.advice import advise
from smgen.report.depths import errors_by_depth
from tests import oracle
from tests.commands import ICA, run, tree
from tests.networks import CATALOGUE, mlp
from tests.support import assert_close, module_of, random_case, spec_of

DEEP = """import smgen as sm
h = sm.softplus(sm.linear(sm.input(3), 8))
network = sm.Network(energy=sm.softplus(sm.linear(h, 6)))
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(DEEP)
    return path


def test_build_of_an_inexact_network_asks(net: Path) -> None:
    before = tree(net.parent)
    told = run("build", net, code=2).stderr
    assert tree(net.parent) == before
    assert "net.py: the diagonal recursion is inexact: linear 'linear_2' mixes units" in told
    for name, record in MODES.items():
        assert f"--hessian {name:10}  {record.summary}" in told
    for mode in MODES:
        run("build", net, "--hessian", mode, "--force")
        path = net.parent / ("net_numpy.py" if mode == "diagonal" else f"net_{mode}_numpy.py")
        metadata = load(path).METADATA
        assert (metadata["hessian"], metadata["exact"]) == (mode, mode == "exact")
    assert "probes" in metadata
    assert "warning" not in run("build", net, "--hessian", "exact").stderr


def test_build_of_an_exact_network_does_not_ask(net: Path) -> None:
    net.write_text(ICA)
    run("build", net)
    assert load(net.parent / "net_numpy.py").METADATA["hessian"] == "diagonal"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--hessian", "exakt"), "--hessian exakt: no such hessian (did you mean 'exact'?)"),
        (("--hessian", "hutchinson", "--probes", "0"), "--probes 0: not a number of probes"),
        (("--hessian", "hutchinson", "--distribution", "normal"), "--distribution normal: no such distribution"),
        (("--hessian", "exact", "--memory", "0"), "--memory 0: not a size in MiB"),
        (("--hessian", "exact", "--probes", "4"), "--probes or --distribution with --hessian exact"),
    ],
)
def test_bad_choices(net: Path, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in run("build", net, *arguments, code=2).stderr


def test_other_probes_or_memory_are_another_module(net: Path) -> None:
    chosen = ("--hessian", "hutchinson", "--probes", "2")
    run("build", net, *chosen)
    assert "up to date" in run("build", net, *chosen).stdout
    for more, why in (
        (("--probes", "3"), "the number of probes changed"),
        (("--distribution", "gaussian"), "the number of probes changed, the distribution of probes changed"),
        (("--memory", "64"), "the distribution of probes changed, the memory budget changed"),
    ):
        assert why in run("build", net, *chosen, *more).stdout


def test_no_recommendation_without_numbers(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers of exp overflow on data of this size."""
    monkeypatch.setattr("smgen.cli.building.out", Console(width=200))
    net.write_text(DEEP.replace("softplus", "exp"))
    np.save(net.parent / "X.npy", 30 * np.random.default_rng(0).standard_normal((20, 3)))
    told = run("check", net, "--data", net.parent / "X.npy").stdout
    assert "Recommended: no mode: the loss is not finite" in told
    assert "nan %" in told


@pytest.mark.parametrize("mode", MODES)
def test_check_passes_in_every_mode(net: Path, mode: str) -> None:
    result = run("check", net, "--hessian", mode, "--probes", "2")
    assert "FAIL" not in result.stdout
    ends = {"diagonal": "The recursion is inexact", "exact": "The exact mode is exact"}
    assert ends.get(mode, "The hutchinson mode is unbiased") in result.stdout


def test_show_compares_the_modes(net: Path) -> None:
    net.write_text(DEEP.replace("input(3)", "input(40)"))
    shown = json.loads(run("show", net, "--json", "--probes", "2").stdout)["modes"]
    assert [shown[mode]["exact"] for mode in MODES] == [False, True, False]
    flops = {mode: shown[mode]["steps"]["loss_and_grad"]["product_flops_per_sample"] for mode in MODES}
    assert flops["diagonal"] < flops["hutchinson"] < flops["exact"]
    assert shown["exact"]["steps"]["loss_and_grad"]["scheme"] == "backward: the Hessian at 'softplus_1' (8)"
    assert "A step of training, a sample" in run("show", net).stdout


def test_the_cost_model_cuts_at_a_bottleneck() -> None:
    """Few inputs: forward. Few units near the energy: the Hessian comes down from there. A waist: cut at it."""
    narrow, wide = mlp(4, (64, 64, 64), sm.softplus), mlp(256, (32, 16, 8), sm.softplus)
    assert chosen_cuts(narrow, 1024, STEPS["any"]) == ()
    assert scheme(narrow, Method("exact")).startswith("forward: 4 tangents")
    assert chosen_cuts(wide, 1024, STEPS["any"]) != ()
    assert scheme(wide, Method("exact"), STEPS["any"]).startswith(("the Hessian at", "backward: the Hessian at"))
    waist = mlp(128, (128, 8, 128, 128), sm.softplus)
    assert "softplus_2" in chosen_cuts(waist, 1024, STEPS["any"])


@pytest.mark.parametrize(
    "name", ["deep", "concatenated", "skip_and_branch", "scale_between", "doubled", "wide_variety"]
)
def test_errors_by_depth_against_the_oracle(name: str) -> None:
    network = CATALOGUE[name]()
    params, x = random_case(network, 1, samples=4)
    true = np.diagonal(oracle.hessian(spec_of(network), params, x), axis1=1, axis2=2)
    recursion = oracle.hessian_diagonal(spec_of(network), params, x)
    depths = errors_by_depth(network, params, x)
    assert depths[0].vertex == network.input.name
    assert_close(depths[0].error, np.abs(recursion - true).sum() / max(np.abs(true).sum(), 1e-300), 1e-9, "at x")
    assert [depth.above for depth in depths] == sorted((depth.above for depth in depths), reverse=True)


def test_advice_on_data(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smgen.cli.building.out", Console(width=200))
    rng = np.random.default_rng(0)
    np.save(net.parent / "X.npy", rng.choice([-1.5, 1.5], (200, 3)) + 0.3 * rng.standard_normal((200, 3)))
    told = run("check", net, "--data", net.parent / "X.npy", "--lam", "0.01").stdout
    for words in ("J by the recursion", "before training", "after exact", "by depth", "Recommended: --hessian exact"):
        assert words in told


def test_advice_for_an_exact_network_is_the_recursion(net: Path) -> None:
    net.write_text(ICA)
    data = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)

    def compile_mode(mode: str) -> object:
        return compiled(net, Options(hessian=mode, probes=4))[1]

    network, _ = compiled(net, Options())
    advice = advise(network, compile_mode, data, 0.0)  # type: ignore[arg-type]
    assert advice.mode == "diagonal"
    assert "exact for this network" in advice.reason
    assert advice.before.error < 1e-6


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file"),
        (b"not an array", "not a .npy file"),
        (np.zeros((4, 2)), "an array of shape (4, 2)"),
        (np.full((4, 3), np.nan), "row 0, column 0 is nan, no finite number"),
        (np.zeros((4, 3), dtype=complex), "not real numbers"),
        (b"", "not a .npy file"),
    ],
)
def test_bad_data(net: Path, content: object, complaint: str) -> None:
    path = net.parent / "X.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, np.asarray(content))
    result = run("check", net, "--data", path, code=2)
    assert complaint in result.stderr
    assert "hint: " in result.stderr


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_little_memory(net: Path, backend: str) -> None:
    """Within the budget the numbers are the same; a budget without room for a sample is an error that says so."""
    network = mlp(40, (64, 64), sm.softplus)
    whole = module_of(network, backend=backend, hessian="exact")
    small = module_of(network, backend=backend, hessian="exact", memory=4)
    params, x = random_case(network, samples=50)
    assert small.METADATA["memory_mib"] == 4
    for lam in (0.0, 0.3):
        (J, gradient), (other, other_gradient) = (m.loss_and_grad(params, x, lam) for m in (whole, small))
        assert_close(other, J, 1e-12, "J")
        for key, value in gradient.items():
            assert_close(other_gradient[key], value, 1e-12, key)
    tiny = module_of(mlp(200, (256, 256), sm.softplus), backend=backend, hessian="exact", memory=1)
    with pytest.raises(MemoryError, match="build with a larger --memory"):
        tiny.loss_and_grad(*random_case(mlp(200, (256, 256), sm.softplus), samples=4))


def test_network_without_curvature() -> None:
    """All modes agree where every second derivative is zero."""
    network = Network(energy=sm.relu(sm.linear(sm.relu(sm.linear(sm.input(2), 3)), 2)))
    params, x = random_case(network)
    for mode in ("exact", "hutchinson"):
        module = module_of(network, hessian=mode, probes=2)
        assert np.array_equal(module.hessian_diagonal(params, x), np.zeros_like(x))
        assert module.loss(params, x) == module.loss_terms(params, x)[0]
