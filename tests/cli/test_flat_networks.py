"""Networks of straight pieces: L is 0 for all parameters, and every command says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smgen.analysis.exactness import verdict
from smgen.loader import load
from smgen.network.netfile import load_network
from tests.commands import run

FLAT = {
    "relu": "sm.relu(sm.linear(x, 4))",
    "deep relu": "sm.linear(sm.relu(sm.linear(sm.relu(sm.linear(x, 8)), 8)), 1)",
    "leaky": "sm.leaky_relu(sm.linear(x, 4))",
    "abs": "sm.pointwise(sm.linear(x, 4), sympy.Abs)",
    "maximum": "sm.pointwise(sm.linear(x, 4), lambda g: sympy.Max(g, 2 * g - 1))",
    "clipped": "sm.pointwise(x, lambda g: sympy.Min(sympy.Max(g, -1), 1))",
    "side by side": "sm.scale(sm.concat(sm.relu(x), sm.pointwise(x, lambda g: 3 * g)))",
}
STRAIGHT = {"linear": "sm.linear(x, 4)", "the input": "x", "sum": "sm.add(x, sm.scale(x))"}
CURVED = {
    "some layer": "sm.linear(sm.softplus(sm.linear(sm.relu(x), 4)), 2)",
    "relu squared": "sm.pointwise(sm.linear(x, 4), lambda g: sympy.Max(g, 0) ** 2)",
    "beside": "[sm.relu(sm.linear(x, 4)), sm.square(x)]",
}


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return tmp_path / "net.py"


def write(net: Path, energy: str) -> None:
    net.write_text(f"import sympy\nimport smgen as sm\nx = sm.input(3)\nnetwork = sm.Network(energy={energy})\n")


@pytest.mark.parametrize("name", [*FLAT, *STRAIGHT])
def test_a_build_stops_and_says_why(net: Path, name: str) -> None:
    write(net, (FLAT | STRAIGHT)[name])
    error = run("build", net, code=2).stderr
    assert "δ′ and L are 0 for all parameters: the minimum of Hyvärinen's loss is K = 0, a constant energy" in error
    assert "No hessian mode helps" in error
    assert ("f″ is 0 almost everywhere in every layer (kinks: " in error) == (name in FLAT)
    assert not (net.parent / "net_numpy.py").exists()


@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
@pytest.mark.parametrize("name", [*FLAT, *STRAIGHT])
def test_a_mode_builds_it_with_a_warning(net: Path, name: str, mode: str) -> None:
    write(net, (FLAT | STRAIGHT)[name])
    assert run("build", net, "--hessian", mode).stderr.startswith("warning: no use in training: ")
    module = load(net.parent / ("net_numpy.py" if mode == "diagonal" else f"net_{mode}_numpy.py"))
    assert module.METADATA["exact"] is (name in STRAIGHT)
    assert "L are 0 for all parameters" in module.METADATA["reason"]
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    assert module.loss_terms(module.init_params(), x)[1] == 0
    assert module.selftest()


@pytest.mark.parametrize("name", CURVED)
def test_curvature_anywhere_is_enough(net: Path, name: str) -> None:
    write(net, CURVED[name])
    assert not verdict(load_network(net)).flat
    assert "no use in training" not in run("build", net, "--hessian", "exact").stderr


def test_show_and_check_do_not_recommend(net: Path) -> None:
    write(net, FLAT["deep relu"])
    shown = run("show", net).stdout
    assert shown.startswith("The diagonal recursion is of no use: f″ is 0 almost everywhere")
    np.save(net.parent / "X.npy", np.random.default_rng(0).standard_normal((100, 3)))
    for lam in (0.0, 0.1):
        told = run("check", net, "--data", net.parent / "X.npy", "--lam", lam).stdout
        assert "Recommended: no mode: f″ is 0 almost everywhere in every layer" in told
        assert "Of no use in training: " in told
