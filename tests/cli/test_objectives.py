"""`--objective` and `--functions` on the command line: what is asked, refused and checked depends on what is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smgen.loader import load
from tests.commands import run

LINEAR = "sm.linear(sm.input(1), 1, bias=False)"
DEEP = "sm.linear(sm.tanh(sm.linear(sm.tanh(sm.linear(sm.input(3), 4)), 4)), 1)"
SHALLOW = "sm.logcosh(sm.linear(sm.input(3), 4))"
RELU = "sm.relu(sm.linear(sm.input(3), 4))"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return tmp_path / "net.py"


def write(net: Path, energy: str) -> None:
    net.write_text(f"import smgen as sm\nnetwork = sm.Network(energy={energy})\n")


def test_an_exponential_needs_no_curvature(net: Path) -> None:
    """E = θ x: δ′ is 0, and the minimum of the generalised loss is 1 / mean x all the same."""
    write(net, LINEAR)
    assert "no use" not in run("build", net, "--objective", "generalised:x", "--dtype", "float64").stderr
    module = load(net.parent / "net_numpy.py")
    assert module.METADATA["exact"] is True
    assert module.METADATA["reason"] == "no layer has curvature, so that δ′ is 0"
    x = np.random.default_rng(0).exponential(2.0, (1000, 1))
    _, gradient = module.generalised_loss_and_grad({"linear_1.weight": np.array([[1 / x.mean()]])}, x)
    assert abs(gradient["linear_1.weight"].item()) < 1e-12
    assert "of no use" not in run("show", net, "--objective", "generalised:x").stdout
    assert "no use" not in run("check", net, "--objective", "generalised:x").stdout
    assert "Hyvärinen's loss is K = 0" in run("build", net, "--objective", "generalised:x,hyvarinen", code=2).stderr
    write(net, RELU)
    assert "No hessian mode helps" in run("build", net, "--objective", "generalised:x", code=2).stderr


def test_the_denoising_loss_asks_for_no_mode(net: Path) -> None:
    """It has no δ′: nor has the module, unless it is asked for."""
    write(net, DEEP)
    assert run("build", net, "--objective", "denoising").stderr == ""
    assert not hasattr(load(net.parent / "net_numpy.py"), "hessian_diagonal")
    told = run("check", net, "--objective", "denoising")
    assert "No function computes δ′." in told.stdout
    assert "exploits" not in told.stderr
    asked = run("build", net, "--objective", "denoising", "--functions", "usual,hessian_diagonal", code=2).stderr
    assert "--hessian exact" in asked


@pytest.mark.parametrize(
    "functions",
    ["energy", "score", "loss", "losses", "loss_terms", "laplacian", "hessian", "hvp", "hessian_diagonal",
     "score_and_laplacian", "energy_and_grad", "denoising_loss", "generalised_losses"],
)  # fmt: skip
def test_check_has_something_to_compare(net: Path, functions: str) -> None:
    write(net, SHALLOW)
    objectives = "hyvarinen,denoising,generalised:log1p"
    told = run("check", net, "--objective", objectives, "--functions", functions).stdout
    assert "FAIL" not in told
    assert "energy E" in told


def test_functions_without_delta_prime_are_not_judged_by_it(net: Path) -> None:
    write(net, DEEP)
    told = run("check", net, "--functions", "energy_and_grad,hvp").stdout
    assert "recursion" not in told
    assert "No function computes δ′." in told


@pytest.mark.parametrize(
    ("options", "what", "hint"),
    [
        (("--functions", "generalised_loss"), "this function is of another objective", "hyvarinen,generalised:H"),
        (("--functions", "denoising_loss"), "this function is of another objective", "hyvarinen,denoising"),
        (("--objective", "generalised:min:inf"), "after min comes the greatest h, as finite decimals", "MIN"),
        (("--objective", "generalised:box:1"), "after box comes the least x and the greatest x, as finite", "box"),
        (("--objective", "generalised:x:1"), "after x comes nothing", "generalised:x"),
    ],
)  # fmt: skip
def test_words(net: Path, options: tuple[str, str], what: str, hint: str) -> None:
    write(net, SHALLOW)
    error = " ".join(run("build", net, *options, code=2).stderr.split())
    assert what in error
    assert hint.lower() in error.lower()


def test_another_objective_is_another_module(net: Path) -> None:
    """`generalised:x` and `generalised:square` have functions of the same names."""
    write(net, SHALLOW)
    run("build", net)
    for objective in ("denoising", "generalised:x", "generalised:square", "hyvarinen"):
        assert "the objective changed" in run("build", net, "--objective", objective).stdout
        assert "up to date" in run("build", net, "--objective", objective).stdout
