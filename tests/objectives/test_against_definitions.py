"""Every function of every objective beside its definition, to 1e-12, in every mode that has no noise of its own."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.network import Network
from tests import oracle
from tests.given import EVERYTHING, given_of
from tests.networks import CATALOGUE
from tests.oracle.objectives import Problem
from tests.support import Array, Params, assert_close, module_of, random_case, spec_of

TOLERANCE = 1e-12
LAM = 0.3
log = oracle.MATH["log"]


def hyvarinen(lam: float) -> Callable[..., Any]:
    return lambda delta, prime, x, w, **_: w * (0.5 * delta * delta - prime + lam * (prime * prime))


def denoising(delta: Any, prime: Any, x: Any, *, w: Array, e: Array, s: Array, **_: Array) -> Any:
    difference = delta - e / s
    return 0.5 * w * (difference * difference)


def generalised(delta: Any, prime: Any, x: Any, *, w: Array, **_: Array) -> Any:
    """h = log(1 + x)."""
    h = log(1.0 + x)
    return w * (h * (0.5 * delta * delta - prime) - delta / (1.0 + x))


class Case:
    """A module in a mode, its arguments, and the definitions at them."""

    def __init__(self, network: Network, mode: str, backend: str = "numpy", samples: int = 3) -> None:
        self.module: ModuleType = module_of(
            network, backend=backend, hessian=mode, objective=EVERYTHING, functions="all"
        )
        self.spec, self.exact = spec_of(network), mode == "exact"
        self.params, x = random_case(network, seed=3, samples=samples)
        self.x = np.abs(x) + 0.1
        self.given = given_of(self.module, self.x)
        self.own = self.given["conditions"]
        self.ones = np.ones_like(self.x)
        kept = ~self.given["mask"]
        share = self.given["weights"] / self.given["weights"].sum() * samples
        self.kept, self.entries = kept.astype(float), kept * share[:, None]

    def problem(self, x: Array | None = None, own: dict[str, Array] | None = None, **arrays: Array) -> Problem:
        arrays["e"], arrays["s"] = self.given["noise"], np.repeat(self.given["sigma"][:, None], self.x.shape[1], 1)
        return Problem(
            spec=self.spec,
            params=self.params,
            x=self.x if x is None else x,
            given=self.own if own is None else own,
            exact=self.exact,
            arrays=arrays,
        )

    def hyvarinen(self, w: Array) -> tuple[Problem, Callable[..., Any]]:
        return self.problem(w=w), hyvarinen(LAM)

    def generalised(self, w: Array) -> tuple[Problem, Callable[..., Any]]:
        return self.problem(w=w), generalised

    def denoising(self, w: Array) -> tuple[Problem, Callable[..., Any]]:
        """Noise is added where the weight is not 0, and w(σ) is σ²."""
        noise = self.given["noise"] * (w != 0)
        own = self.own | ({"sigma": self.given["sigma"]} if "sigma" in self.own else {})
        levels = (self.given["sigma"] ** 2)[:, None]
        return self.problem(self.x + self.given["sigma"][:, None] * noise, own, w=w * levels), denoising

    def arguments(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if name == "denoising":
            own = {key: value for key, value in self.own.items() if key != "sigma"}
            return (self.given["sigma"],), own | {"noise": self.given["noise"]}
        return ((LAM,) if name == "hyvarinen" else ()), self.own


@pytest.fixture(params=["diagonal", "exact"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def losses(case: Case) -> None:
    """The losses of each objective, with and without weights and a mask, and their derivatives."""
    N, module, params, x = len(case.x), case.module, case.params, case.x
    for name, prefix in (("hyvarinen", ""), ("denoising", "denoising_"), ("generalised", "generalised_")):
        arguments, keywords = case.arguments(name)
        call: dict[str, Callable[..., Any]] = {
            kind: getattr(module, f"{prefix}{kind}") for kind in ("loss", "losses", "loss_and_grad")
        }
        weighted = {"weights": case.given["weights"], "mask": case.given["mask"]}
        for weights, extra in ((case.ones, {}), (case.entries, weighted)):
            what = f"{name}{' weighted' * bool(extra)}"
            problem, formula = getattr(case, name)(weights)
            J, gradient = problem.total(formula)
            assert_close(call["loss"](params, x, *arguments, **keywords, **extra), J / N, TOLERANCE, what)
            ours, ours_gradient, by_x = call["loss_and_grad"](params, x, *arguments, **keywords, **extra, wrt_x=True)
            mean = J / N, {key: value / N for key, value in gradient.items()}
            _compare((ours, ours_gradient), mean, what)
            assert_close(by_x, problem.by_x(formula) / N, TOLERANCE, f"{what} by x")
            if not extra:
                _compare(call["loss_and_grad"](params, x, *arguments, **keywords), mean, f"{what} plain")
        for weights, mask in ((case.ones, None), (case.kept, case.given["mask"])):
            problem, formula = getattr(case, name)(weights)
            each = call["losses"](params, x, *arguments, **keywords, mask=mask)
            assert_close(each, problem.of_samples(formula), TOLERANCE, f"{name} of each sample")


def _compare(ours: tuple[Any, Params], theirs: tuple[float, Params], what: str) -> None:
    (J, gradient), (expected, slopes) = ours, theirs
    assert_close(J, expected, TOLERANCE, what)
    assert list(gradient) == list(slopes)
    for key, value in slopes.items():
        assert_close(gradient[key], value, TOLERANCE, f"{what} by {key}")


def derivatives(case: Case) -> None:
    """Energies, scores, Hessians, products with them, and gradients of sums."""
    module, params, x, own, given = case.module, case.params, case.x, case.own, case.given
    spec, v, signed = case.spec, given["v"], given["signed"]
    energy, score = (function(spec, params, x, own) for function in (oracle.energy, oracle.score))
    hessian = oracle.hessian(spec, params, x, own)
    prime = np.einsum("ndd->nd", hessian) if case.exact else oracle.hessian_diagonal(spec, params, x, own)
    for actual, expected, what in zip(
        (*module.energy_and_score(params, x, **own), *module.score_and_laplacian(params, x, **own)),
        (energy, score, score, prime.sum(axis=1)),
        ("energy", "score", "score beside the Laplacian", "Laplacian beside the score"),
        strict=True,
    ):
        assert_close(actual, expected, TOLERANCE, what)
    assert_close(module.laplacian(params, x, **own), prime.sum(axis=1), TOLERANCE, "Laplacian")
    assert_close(module.hessian(params, x, **own), hessian, TOLERANCE, "Hessian")
    assert_close(module.hvp(params, x, v, **own), np.einsum("nde,ne->nd", hessian, v), TOLERANCE, "H v")
    problem = case.problem(w=v)
    S, slopes = problem.total(lambda delta, prime, x, w, **_: -w * delta)
    gradient, by_x = module.score_vjp(params, x, v, **own)
    _compare((S, gradient), (S, slopes), "score product")
    assert_close(by_x, problem.by_x(lambda delta, prime, x, w, **_: -w * delta), TOLERANCE, "score product by x")
    assert_close(S, np.sum(v * score), TOLERANCE, "score product")
    for weights in (signed, None):
        factors = np.ones(len(x)) if weights is None else weights
        _compare(module.energy_and_grad(params, x, weights, **own), problem.energy(factors), "sum of energies")
        bent = case.problem(w=np.repeat(factors[:, None], x.shape[1], 1)).total(lambda d, prime, x, w, **_: w * prime)
        _compare(module.laplacian_and_grad(params, x, weights, **own), bent, "sum of Laplacians")


@pytest.mark.parametrize("name", CATALOGUE)
def test_losses(name: str, mode: str) -> None:
    losses(Case(CATALOGUE[name](), mode))


@pytest.mark.parametrize("name", CATALOGUE)
def test_derivatives(name: str, mode: str) -> None:
    derivatives(Case(CATALOGUE[name](), mode))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ica", "deep", "gate"])
def test_in_c(name: str, mode: str) -> None:
    case = Case(CATALOGUE[name](), mode, "c", samples=5)
    losses(case)
    derivatives(case)
