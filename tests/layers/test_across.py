"""Functions across units, and products of two nodes, against the oracle, in every mode, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, Energies, compare, each_mode, in_groups
from tests.support import Array, assert_close, module_of

EPS = 0.1


def of_a_function(layer: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """The layer between functions of units."""
    return lambda x: sm.square(layer(sm.tanh(x) * 2))


def of_a_convolution(layer: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """The layer on a value with channels last in memory."""
    return lambda x: sm.softplus(layer(w.conv1d(x, 4, 2, padding=1)))


def transposed(h: Node) -> Node:
    return w.permute(h, (*range(len(h.shape) - 2), len(h.shape) - 1, len(h.shape) - 2))


LAYERS: dict[str, Callable[[Node], Node]] = {
    "logsumexp": lambda h: w.logsumexp(h),
    "logsumexp of channels": lambda h: w.logsumexp(h, 0, keepdims=True),
    "softmax": lambda h: w.softmax(h),
    "softmax of channels": lambda h: w.softmax(h, 0),
    "softmax of one place": lambda h: w.softmax(w.part(h, np.s_[:, :1])) + h,
    "norm": lambda h: w.norm(h, eps=EPS),
    "norm of channels": lambda h: w.norm(h, 0, eps=EPS, keepdims=True),
    "l2_pool of groups": lambda h: w.l2_pool(h, groups=2, eps=EPS),
    "l2_pool of windows": lambda h: w.l2_pool(h, 2, 1, 1, eps=EPS),
    "layer_norm": lambda h: w.layer_norm(h, eps=EPS),
    "layer_norm of the last axis": lambda h: w.layer_norm(h, h.shape[-1], eps=EPS),
    "layer_norm without parameters": lambda h: w.layer_norm(h, h.shape[-1:], eps=EPS, elementwise_affine=False),
    "group_norm": lambda h: w.group_norm(h, 2, eps=EPS),
    "instance norm": lambda h: w.group_norm(h, h.shape[0], eps=EPS),
    "group_norm without parameters": lambda h: w.group_norm(h, 1, eps=EPS, affine=False),
    "matmul": lambda h: w.matmul(h, sm.sin(w.reshape(h, h.shape[::-1]))),
    "matmul of a node and its transpose": lambda h: w.matmul(h, transposed(h)),
    "matmul of a node twice": lambda h: w.matmul(square_part := w.part(h, np.s_[:2, :2]), square_part),
    "matmul, leading axes": lambda h: w.matmul(
        *(
            w.reshape(f(w.part(h, np.s_[:, :2])), shape)
            for f, shape in ((sm.tanh, (2, 1, 2, 2)), (sm.sin, (2, 1, 2, 2)))
        )
    ),
    "matmul of a row and a column": lambda h: w.matmul(w.reshape(h, (1, -1)), w.reshape(sm.sin(h), (-1, 1))),
}
FUNCTIONS: Energies = {name: of_a_function(layer) for name, layer in LAYERS.items()}
CONVOLVED: Energies = {name: of_a_convolution(layer) for name, layer in LAYERS.items()}


def of_the_input() -> Network:
    x = sm.input((2, 3))
    return Network(energy=[w.logsumexp(x), w.norm(x, 1, eps=EPS), w.matmul(x, transposed(x)), sm.square(x)])


def one_axis() -> Network:
    """Everything on one axis, where the axis of one stays."""
    h = sm.linear(sm.input(3), 4)
    return Network(energy=[w.logsumexp(h), w.softmax(h) * sm.tanh(h), w.norm(h, 0, eps=EPS), sm.sin(w.layer_norm(h))])


def attention() -> Network:
    x = sm.input((3, 2))
    q, k, v = (sm.linear(x, 2, name=name) for name in ("q", "k", "v"))
    weights = w.softmax(w.matmul(q, w.permute(k, (1, 0))) * 0.7)
    h = w.layer_norm(x + w.matmul(weights, v), 2, eps=EPS)
    return Network(energy=sm.softplus(h))


def on_each_other() -> Network:
    h = w.group_norm(w.conv1d(sm.input((2, 4)), 4, 3, padding=1), 2, eps=EPS)
    h = w.softmax(w.l2_pool(sm.silu(h), groups=2, eps=EPS), 0)
    return Network(energy=w.logsumexp(w.matmul(h, transposed(h)), keepdims=True))


NETWORKS: dict[str, Callable[[], Network]] = {f.__name__: f for f in (
    of_the_input, one_axis, attention, on_each_other
)}  # fmt: skip
GROUPS = {
    **in_groups("functions", (4, 3), FUNCTIONS, 7),
    **in_groups("convolutions", (2, 3), CONVOLVED, 7),
}


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=("functions 3",))
def test_layers(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, often=("attention",))
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_sample(backend: str) -> None:
    for mode in ("diagonal", "one probe"):
        compare(attention(), mode, backend, samples=1)


@pytest.mark.parametrize(("dtype", "size"), [("float64", 800.0), ("float32", 90.0)])
def test_large_operands(dtype: str, size: float) -> None:
    """exp(800) is infinite in float64, and exp(90) in float32."""
    x = sm.input((2, 3))
    network = Network(energy=[sm.logsumexp(x), sm.softmax(x) * sm.parameter((1, 3), name="factor")])
    module = module_of(network, dtype, hessian="exact")
    sign = np.array([[1.0, -1.0, 0.5, 0.999, 1.0, 1.0], [-1.0, -0.999, -1.0, -1.0, 1.0, 0.0]])
    data, factor = (size * sign).astype(dtype), np.array([[0.3, -0.7, 0.2]], dtype)
    a = data.astype(np.float64).reshape(2, 2, 3)
    softmax, params = special.softmax(a, axis=-1), {"factor": factor}
    energy = np.sum(special.logsumexp(a, axis=-1), axis=1) + np.sum(softmax * factor, axis=(1, 2))
    tolerance = 1e-14 if dtype == "float64" else 1e-6
    assert_close(module.energy(params, data), energy, tolerance, "energy")
    centred = factor - np.sum(softmax * factor, axis=-1, keepdims=True)
    score = -(softmax + softmax * centred)
    assert_close(module.score(params, data), score.reshape(2, 6), 10 * tolerance, "score")
    curvature = softmax * (1 - softmax) + softmax * (1 - 2 * softmax) * centred
    assert_close(module.hessian_diagonal(params, data), curvature.reshape(2, 6), 10 * tolerance, "hessian")
    for J, gradient in (module.loss_and_grad(params, data, lam) for lam in (0.0, 0.3)):
        assert np.isfinite(J)
        assert np.isfinite(gradient["factor"]).all()


def test_small_differences_of_large_operands() -> None:
    """The tail of a softmax in relative terms, where 1 − p would be 0."""
    x = sm.input(2)
    module = module_of(Network(energy=sm.logsumexp(x)))
    data = np.array([[800.0, 800.0 - gap] for gap in (1.0, 40.0, 300.0, 700.0)])
    with mp.workdps(40):
        p = np.array([float(1 / (1 + mp.exp(a - b))) for a, b in data])
    np.testing.assert_allclose(-module.score({}, data)[:, 1], p, rtol=1e-13)


def differences(energy: Array) -> Array:
    relative: Array = energy - energy[0]
    return relative


def test_mixture_of_gaussians() -> None:
    """E + log p is a constant, for components with own means, widths and weights."""
    stats = pytest.importorskip("scipy.stats")
    x = sm.input(1)
    means, widths, weights = (np.array(v) for v in ([-2.0, 0.5, 3.0], [0.5, 1.0, 2.0], [0.2, 0.5, 0.3]))
    mean, log_width, logit = (sm.parameter(3, name=name) for name in ("mean", "log_width", "logit"))
    z = (x - mean) * sm.exp(-log_width)
    network = Network(energy=-sm.logsumexp(-0.5 * sm.square(z) - log_width + logit))
    params = {"mean": means, "log_width": np.log(widths), "logit": np.log(weights)}
    data = np.linspace(-40, 40, 41)[:, None]
    log_p = np.array([special.logsumexp(stats.norm.logpdf(v, means, widths), b=weights) for v in data[:, 0]])
    assert_close(differences(module_of(network).energy(params, data)), differences(-log_p), 1e-13)


def test_mixture_of_logistics() -> None:
    stats = pytest.importorskip("scipy.stats")
    x = sm.input(1)
    means, widths, weights = (np.array(v) for v in ([-1.0, 4.0], [0.7, 1.5], [0.6, 0.4]))
    mean, log_width, logit = (sm.parameter(2, name=name) for name in ("mean", "log_width", "logit"))
    z = (x - mean) * sm.exp(-log_width)
    network = Network(energy=-sm.logsumexp(logit - log_width - sm.softplus(z) - sm.softplus(-z)))
    params = {"mean": means, "log_width": np.log(widths), "logit": np.log(weights)}
    data = np.linspace(-60, 60, 41)[:, None]
    log_p = np.array([special.logsumexp(stats.logistic.logpdf(v, means, widths), b=weights) for v in data[:, 0]])
    assert_close(differences(module_of(network).energy(params, data)), differences(-log_p), 1e-13)
