"""Every commented statement of NumPy modules computes what its comment says: all goldens, the catalogue in every mode.

A module is traced, line by line; when a statement is done, the right-hand side of its comment is evaluated with the
values that letters had in the comments before it, and compared with the array.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.layers.nodes import Node
from smgen.loader import load_source
from smgen.network import Network
from tests.equations.trace import call, statements
from tests.generated import NUMPY_MODULES, numpy_module
from tests.hessians.local import PATCHES, ROWS, reflected_residual
from tests.images import IMAGES
from tests.networks import CATALOGUE


@pytest.mark.parametrize("lam", [0.0, 0.3])
@pytest.mark.parametrize(("example", "name"), NUMPY_MODULES)
def test_comments_are_true(example: str, name: str, lam: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    text = numpy_module(example, name)
    check(load_source(text, name), text, lam, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_comments_of_the_catalogue_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    check_every_mode(CATALOGUE[name]())


def attentive() -> Network:
    """Products of nodes, a softmax, a norm and a condition."""
    x, sigma = sm.input((3, 2)), sm.condition(name="sigma")
    weights = sm.softmax(sm.matmul(sm.linear(x, 2), sm.permute(x, (1, 0))))
    h = sm.layer_norm(sm.matmul(weights, x), 2)
    return Network(energy=[sm.softplus(h) / (1 + sm.square(sigma)), sm.logsumexp(x, 0)])


def padded() -> Network:
    """Windows that go round, and windows that read a place twice."""
    h = sm.tanh(sm.conv1d(sm.input((1, 5)), 2, 3, padding=1, padding_mode="circular"))
    h = sm.conv1d(h, 2, 3, padding=1, padding_mode="reflect")
    return Network(energy=sm.softplus(sm.avg_pool1d(h, 2, 1)))


TENSORS = {name: IMAGES[name] for name in (
    "encoder_and_decoder", "depthwise", "line", "mixed_places", "tied_both_ways", "sharpened",
)} | PATCHES | ROWS | {
    "padded": padded, "attentive": attentive, "residual": reflected_residual,
}  # fmt: skip
"""Padding of each kind, strides, dilations, groups, pools, transposes, parts, `attentive`, patches and rows."""


@pytest.mark.slow
@pytest.mark.parametrize("name", TENSORS)
def test_comments_of_tensors_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    check_every_mode(TENSORS[name]())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("# windows(G_x)", "# windows(−G_x)"),
        ("= ½ mix(", "= mix("),
        ("# mix(G_conv1d_2)", "# pick(G_conv1d_2)"),
        ("= fold(W_conv1d_1 δ_conv1d_1)", "= fold(W_conv1d_1 δ′_conv1d_1)"),
        ("(W_conv1d_1 ∘ W_conv1d_1)ᵀ windows", "W_conv1d_1ᵀ windows"),
        ("Σ_n Σ_p windows(G_x)", "Σ_n Σ_p windows(∂J/∂δ_x)"),
        ("+ 2 λ δ′_x", "− 2 λ δ′_x"),
        ("δ_tanh_1 f″(", "δ_tanh_1 f′("),
    ],
)
def test_wrong_comments_are_found(right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading must fit: a tensor's comment cannot say anything."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert_found(padded(), "diagonal", right, wrong)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("= W_conv1d_2ᵀ patches(ġ_softplus_1)", "= W_conv1d_2ᵀ patches(ġ_conv1d_1)"),
        ("= W_conv1d_3ᵀ patches(ġ_tanh_1)", "= W_conv1d_3ᵀ windows(ġ_tanh_1)"),
        ("= fold(W_conv1d_2 δ̇_conv1d_2)", "= fold(W_conv1d_2 ġ_conv1d_2)"),
        ("# fold(Σ_i ġ_conv1d_3² f″(G_conv1d_3))", "# fold(Σ_i ġ_conv1d_3 f″(G_conv1d_3))"),
        ("|conv1d_2 = windows(∂J/∂δ′_x)", "|conv1d_2 = windows(δ′)"),
        ("∂J/∂δ′_x|x = ∂J/∂δ′_x", "∂J/∂δ′_x|x = ∂J/∂δ_x"),
        ("Σ_n Σ_c Σ_p patches(ĝ_tanh_1) δ̇_conv1d_3ᵀ", "Σ_n Σ_c Σ_p patches(ĝ_conv1d_2) δ̇_conv1d_3ᵀ"),
    ],
)
def test_wrong_comments_of_patches_are_found(right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert_found(PATCHES["three layers"](), "exact", right, wrong)


def assert_found(network: Network, mode: str, right: str, wrong: str) -> None:
    text = source(network, build_info(network, Path("net.py"), Options(dtype="float64", hessian=mode)))
    module = load_source(text, mode)
    assert right in text
    assert call(module, "loss_and_grad", text.replace(right, wrong), 0.3, 1e-9).wrong


WEIGHTS: dict[str, Callable[[Node], Node]] = {
    "atan": sm.atan,
    "pseudo_huber": sm.pseudo_huber,
    "student_t": sm.student_t,
    "rational": lambda w: w / (1 + w**2),
    "ratio": lambda w: sm.pointwise((w, sm.parameter((3, 2))), lambda a, b: a / (1 + b**2)),
    "row": lambda w: w * sm.parameter(2),
    "column": lambda w: sm.exp(sm.parameter((3, 1))) * w,
    "one": lambda w: w / sm.softplus(sm.parameter(1)),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_comments_of_functions_of_weights_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices are multiplied entry by entry there, and formulas are of parameters."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    weights = WEIGHTS[name](sm.parameter((3, 2)))
    network = Network(energy=sm.softplus(sm.linear(sm.input(2), 3, weights=weights)))
    text = source(network, build_info(network, Path("net.py"), Options(dtype="float64")))
    for lam in (0.0, 0.3):
        check(load_source(text, name), text, lam, 1e-9)


def check_every_mode(network: Network) -> None:
    for mode in ("diagonal", "exact", "hutchinson"):
        options = Options(backend="numpy", dtype="float64", hessian=mode, probes=2)
        text = source(network, build_info(network, Path("net.py"), options))
        module = load_source(text, mode)
        for lam in (0.0, 0.3):
            check(module, text, lam, 1e-9)


def check(module: ModuleType, text: str, lam: float, within: float) -> None:
    functions = ["loss_terms", "loss_and_grad", "loss_and_grad_terms"]
    if lam == 0:
        functions += ["energy", "score", "hessian_diagonal"]
    for function in functions:
        reader = call(module, function, text, lam, within)
        assert reader.wrong == []
        assert reader.checked


@pytest.mark.parametrize(("example", "name"), NUMPY_MODULES)
def test_a_module_begins_with_the_mathematics(example: str, name: str) -> None:
    """The first equation stands on the first screens, and what runs the module comes after the last."""
    source = numpy_module(example, name)
    assert min(statements(source)) <= 100
    mathematics, _, rest = source.partition("# ==== What a user calls ====")
    assert "def tile(" in mathematics
    assert "def tile(" not in rest
