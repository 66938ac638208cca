"""What losses and products take besides params and x: bad values are refused by name, before anything is computed."""

from __future__ import annotations

import re
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.network import Network
from tests.support import module_of

N, D = 5, 4
X = np.random.default_rng(0).uniform(0.1, 0.9, (N, D))
ONES = np.ones((N, D))


@lru_cache(maxsize=8)
def module(backend: str) -> ModuleType:
    network = Network(energy=sm.softplus(sm.linear(sm.input(D), 3)))
    return module_of(network, backend=backend, objective="hyvarinen,denoising,generalised:box:0:1", functions="all")


@lru_cache(maxsize=8)
def conditioned() -> ModuleType:
    x, sigma = sm.input(D), sm.condition(name="sigma", domain=(0.01, None))
    h = sm.softplus(sm.linear(x, 3)) * sm.sigmoid(sm.linear(sigma, 3))
    return module_of(Network(energy=h), objective="denoising", functions="all")


def with_entry(array: Any, value: float) -> Any:
    wrong = np.array(array)
    wrong.reshape(-1)[2] = value
    return wrong


BAD_WEIGHTS = {
    "weights: expected numbers of at least 0, got -0.5 at [2]": with_entry(np.ones(N), -0.5),
    "weights: expected finite values, got nan at [2]": with_entry(np.ones(N), np.nan),
    "weights: expected finite values, got inf at [2]": with_entry(np.ones(N), np.inf),
    "weights: expected one above 0, got all 0": np.zeros(N),
    "weights: expected shape (5,), got (4,)": np.ones(4),
    "weights: expected shape (5,), got (5, 4)": ONES,
    "weights: expected shape (5,), got ()": 1.0,
    "weights: expected a numpy array, got a matrix; convert with numpy.asarray": np.eye(N).view(np.matrix),
    "weights: expected an array without a mask, got a MaskedArray": np.ma.array(np.ones(N), mask=[True] + [False] * 4),
    "weights: expected real numbers, got dtype complex128": np.ones(N, complex),
    "weights: expected real numbers, got dtype <U3": ["one"] * N,
}
BAD_MASKS = {
    "mask: expected some False, got all True": np.ones((N, D), bool),
    "mask: expected an array of bool, True for what is left out, got dtype float64": np.zeros((N, D)),
    "mask: expected an array of bool, True for what is left out, got dtype int": np.zeros(D, int),
    "mask: expected an array without a mask, got a MaskedArray": np.ma.array(np.zeros((N, D), bool)),
    "mask: expected shape (5, 4) or (4,), got (5,)": np.zeros(N, bool),
    "mask: expected shape (5, 4) or (4,), got (4, 4)": np.zeros((4, D), bool),
}
BAD_SIGMAS = {
    "sigma: expected numbers above 0, got 0.0": 0.0,
    "sigma: expected numbers above 0, got -1.0": -1,
    "sigma: expected finite values, got nan at [0]": np.nan,
    "sigma: expected numbers above 0, got -0.2": with_entry(np.ones(N), -0.2),
    "sigma: expected shape (5,), got (3,)": np.ones(3),
    "sigma: expected shape (5,), got (5, 4)": ONES,
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got (2, 1)": (2, 1),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got (0, 1)": (0, 1),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got (1, 2, 3)": (1, 2, 3),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got ('a', 1)": ("a", 1),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got ('0.1', '1')": ("0.1", "1"),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got (0.1, True)": (0.1, True),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got (0.1, inf)": (0.1, np.inf),
    "sigma: expected a pair (least, greatest) of numbers above 0 in float64, got (0.1, 1": (0.1, 10**400),
    "sigma: expected numbers above 0, got True": True,
    "sigma: expected real numbers, got dtype": "wide",
}
BAD_NOISE = {
    "noise: expected shape (5, 4), got (5, 3)": np.ones((N, 3)),
    "noise: expected shape (5, 4), got (4, 4)": np.ones((4, D)),
    "noise: expected a numpy array of dtype float64, got list": ONES.tolist(),
    "noise: expected dtype float64, got float32": ONES.astype(np.float32),
    "noise: expected finite values, got nan at [0, 2]": with_entry(ONES, np.nan),
}
BAD_WEIGHTINGS: dict[str, Any] = {
    "weighting: expected \"variance\", None or a function of an array of σ, got 'sigma'": "sigma",
    'weighting: expected "variance", None or a function of an array of σ, got 2': 2,
    "weighting: expected numbers of at least 0, got -1.0": lambda sigma: -sigma,
    "weighting: expected shape (5,), got (2,)": lambda sigma: np.ones(2),
    "weighting: expected finite values, got nan at [0]": lambda sigma: sigma * np.nan,
}


def refused(message: str, name: str, *arguments: Any, backend: str = "numpy", **keywords: Any) -> None:
    built = module(backend)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        getattr(built, name)(built.init_params(), X, *arguments, **keywords)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("name", ["loss", "loss_terms", "loss_and_grad", "loss_and_grad_terms"])
def test_weights_and_masks(name: str, backend: str) -> None:
    for prefix in ("", "generalised_"):
        for message, weights in BAD_WEIGHTS.items():
            refused(message, f"{prefix}{name}", weights=weights, backend=backend)
        for message, mask in BAD_MASKS.items():
            refused(message, f"{prefix}{name}", mask=mask, backend=backend)


@pytest.mark.parametrize("name", ["denoising_loss", "denoising_losses", "denoising_loss_and_grad"])
def test_noise(name: str) -> None:
    for message, sigma in BAD_SIGMAS.items():
        refused(message, name, sigma)
    for message, noise in BAD_NOISE.items():
        refused(message, name, 1.0, noise=noise)
    for message, weighting in BAD_WEIGHTINGS.items():
        refused(message, name, 1.0, weighting=weighting)
    for message, mask in BAD_MASKS.items():
        refused(message, name, 1.0, mask=mask)
    refused("rng: expected a seed, a numpy.random.Generator or None, got -1", name, 1.0, rng=-1)
    integers = type("Integers", (), {"integers": None, "__repr__": lambda _: "integers"})()
    refused("rng: expected a seed, a numpy.random.Generator or None, got integers", name, 1.0, rng=integers)
    refused("rng: expected None beside noise and sigma: nothing is drawn", name, 1.0, noise=ONES, rng=3)


def test_the_ends_of_levels_are_checked_whatever_is_drawn() -> None:
    built, network = conditioned(), Network(energy=sm.softplus(sm.linear(sm.input(D), 3)))
    with pytest.raises(ValueError, match=r"sigma: expected numbers of at least 0\.01, got 0\.009"):
        built.denoising_loss(built.init_params(), X, (0.009, 1.0), rng=0)
    single = module_of(network, "float32", objective="denoising")
    params, x = single.init_params(), X.astype(np.float32)
    for pair in ((1.0, 1e39), (1e-50, 1.0)):
        with pytest.raises(ValueError, match=r"sigma: expected a pair .* of numbers above 0 in float32, got \("):
            single.denoising_loss(params, x, pair, rng=1)
    widest = module("numpy")
    assert np.isfinite(widest.denoising_loss(widest.init_params(), X, (1e-100, 1e100), rng=0))


def test_a_weighting_cannot_change_the_levels() -> None:
    built = module("numpy")
    params, square = built.init_params(), lambda sigma: np.square(sigma, out=sigma)
    expected = built.denoising_loss(params, X, 0.4, noise=ONES)
    assert built.denoising_loss(params, X, 0.4, noise=ONES, weighting=square) == pytest.approx(expected, rel=1e-12)

    def failing(sigma: Any) -> Any:
        raise KeyError(sigma)

    with pytest.raises(ValueError, match=r"weighting: .*failing.* failed on an array of σ of shape \(5,\)"):
        built.denoising_loss(params, X, 0.4, weighting=failing)


def test_denoising_weights() -> None:
    for name in ("denoising_loss", "denoising_loss_and_grad"):
        for message, weights in BAD_WEIGHTS.items():
            refused(message, name, 1.0, weights=weights)


@pytest.mark.parametrize("name", ["hvp", "score_vjp"])
def test_vectors(name: str) -> None:
    for message, vector in BAD_NOISE.items():
        refused(message.replace("noise", "v", 1), name, vector)


@pytest.mark.parametrize("name", ["energy_and_grad", "laplacian_and_grad"])
def test_signed_weights(name: str) -> None:
    for message, weights in BAD_WEIGHTS.items():
        if "at least" not in message and "above" not in message:
            refused(message, name, weights)
    built = module("numpy")
    value, gradient = getattr(built, name)(built.init_params(), X, -np.ones(N))
    opposite = getattr(built, name)(built.init_params(), X)
    assert value == -opposite[0]
    assert all(np.array_equal(gradient[key], -opposite[1][key]) for key in gradient)


@pytest.mark.parametrize("name", ["generalised_loss", "generalised_losses", "generalised_loss_and_grad"])
def test_x_outside_the_domain(name: str) -> None:
    built = module("numpy")
    for value, message in ((-0.1, r"x: expected numbers of at least 0\.0, got -0\.1 at \[0, 2\]"),
                           (1.5, r"x: expected numbers of at most 1\.0, got 1\.5 at \[0, 2\]")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            getattr(built, name)(built.init_params(), with_entry(X, value))
    at_the_end = getattr(built, name)(built.init_params(), with_entry(X, 0.0))
    assert np.all(np.isfinite(at_the_end[0] if isinstance(at_the_end, tuple) else at_the_end))


def test_workspaces() -> None:
    for name in ("energy_and_grad", "laplacian_and_grad", "generalised_loss_and_grad"):
        refused("workspace: expected a Workspace of this module or None, got int", name, workspace=3)


def test_sigma_is_a_condition_too() -> None:
    """The noise level goes to the network; a level that its domain does not have is refused."""
    built = conditioned()
    params, noise, sigma = built.init_params(), ONES, np.linspace(0.1, 1, N)
    ours = built.denoising_losses(params, X, sigma, noise=noise, weighting=None)
    slopes = -built.score(params, X + sigma[:, None] * noise, sigma=sigma)
    assert np.allclose(ours, 0.5 * ((slopes - noise / sigma[:, None]) ** 2).sum(1), rtol=1e-12)
    with pytest.raises(ValueError, match=r"sigma: expected numbers of at least 0\.01, got 0\.001"):
        built.denoising_loss(params, X, 0.001)


def test_levels_are_drawn_from_a_geometric_range() -> None:
    built = module("numpy")
    seen: list[Any] = []

    def weighting(sigma: Any) -> Any:
        seen.append(sigma.copy())
        return sigma

    x = np.repeat(X, 2000, axis=0)
    first = built.denoising_loss(built.init_params(), x, (0.01, 10.0), rng=3, weighting=weighting)
    assert first == built.denoising_loss(built.init_params(), x, (0.01, 10.0), rng=3, weighting=weighting)
    logs = np.log(seen[0])
    assert np.log(0.01) <= logs.min() < np.log(0.0102)
    assert np.log(9.8) < logs.max() <= np.log(10.0)
    assert abs(logs.mean() - np.log(0.01 * 10) / 2) < 0.1
    assert abs(logs.std() - np.log(1000) / np.sqrt(12)) < 0.1


def test_a_mask_of_one_sample_is_that_of_all() -> None:
    built = module("numpy")
    params, mask = built.init_params(), np.array([True, False, False, True])
    whole = np.repeat(mask[None], N, axis=0)
    assert built.loss(params, X, 0.1, mask=mask) == built.loss(params, X, 0.1, mask=whole)
    for key, value in built.loss_and_grad(params, X, 0.1, mask=mask)[1].items():
        assert np.array_equal(value, built.loss_and_grad(params, X, 0.1, mask=whole)[1][key])
    assert np.isclose(built.loss(params, X, mask=np.zeros(D, bool)), built.loss(params, X), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_only_the_ratios_of_weights_count(dtype: str) -> None:
    built = module_of(Network(energy=sm.softplus(sm.linear(sm.input(D), 3))), dtype)
    params, x = built.init_params(), X.astype(dtype)
    weights = np.array([0.5, 2.0, 0.0, 1.0, 0.25])
    expected = built.loss_and_grad(params, x, 0.1, weights=weights)
    for scale in (2.0**-1000, 2.0**-130, 2.0**130, 2.0**1022):
        value, gradient = built.loss_and_grad(params, x, 0.1, weights=weights * scale)
        assert value == expected[0]
        assert built.loss(params, x, 0.1, weights=weights * scale) == built.loss(params, x, 0.1, weights=weights)
        assert all(np.array_equal(gradient[key], expected[1][key]) for key in gradient)


def test_something_is_left_of_samples_that_weigh_something() -> None:
    mask = np.ones((N, D), bool)
    mask[3] = False
    message = "mask: expected some False where weights are above 0: nothing would be left"
    for name in ("loss", "loss_terms", "loss_and_grad", "generalised_loss", "generalised_loss_and_grad"):
        refused(message, name, weights=[1, 1, 1, 0, 1], mask=mask)
    refused(message, "denoising_loss", 1.0, weights=[1, 1, 1, 0, 1], mask=mask)


def test_equal_weights_weigh_nothing() -> None:
    built = module("numpy")
    params = built.init_params()
    J, gradient = built.loss_and_grad(params, X, 0.1)
    for weights in (np.full(N, 3.0), np.full((N, 1), 3), [2] * N, np.full(N, True)):
        ours, slopes = built.loss_and_grad(params, X, 0.1, weights=weights)
        assert np.isclose(ours, J, rtol=1e-14)
        assert all(np.allclose(slopes[key], gradient[key], rtol=1e-12, atol=1e-15) for key in slopes)
    twice = built.loss(params, np.concatenate([X, X[:1]]), 0.1)
    assert np.isclose(built.loss(params, X, 0.1, weights=[2, 1, 1, 1, 1]), twice, rtol=1e-14)
