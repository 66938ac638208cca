"""The Hutchinson mode: for given probes the quadratic forms and their gradients exactly, on average the Hessian's."""

from __future__ import annotations

import numpy as np
import pytest

from smgen.passes import run
from smgen.passes.prune import prune
from smgen.targets import TARGETS
from tests import oracle
from tests.hessians.against_given_probes import TOLERANCE, compare, compare_module
from tests.hessians.lowerings import lower_probes
from tests.networks import CATALOGUE, EXACT
from tests.support import assert_close, module_of, random_case, spec_of


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("probes", [1, 3])
def test_given_probes(name: str, probes: int) -> None:
    network = CATALOGUE[name]()
    compare(network, tuple(run(s, (prune,)) for s in lower_probes(network, probes)), probes)


@pytest.mark.parametrize("name", ["deep", "wide_variety", "constants_concat", "scale_between"])
@pytest.mark.parametrize("backend", ["numpy", "c", "cuda"])
def test_passes_leave_the_meaning_alone(name: str, backend: str) -> None:
    network = CATALOGUE[name]()
    for probes in (1, 3):
        compare(
            network,
            tuple(run(s, TARGETS[backend].pipeline.passes(1024)) for s in lower_probes(network, probes)),
            probes,
        )


@pytest.mark.parametrize("name", ["student", "energy_of_input", *(n for n in CATALOGUE if n not in EXACT)])
def test_modules_for_given_probes(name: str) -> None:
    for probes in (1, 3):
        compare_module(CATALOGUE[name](), "numpy", probes)


@pytest.mark.parametrize("name", ["deep", "scale_between"])
def test_c_modules_for_given_probes(name: str) -> None:
    for probes in (1, 3):
        compare_module(CATALOGUE[name](), "c", probes)


def test_unbiased() -> None:
    """Over 20,000 probes the means of trace and regulariser are within 3 standard errors of the exact ones."""
    network = CATALOGUE["deep_linear_top"]()
    params, x = random_case(network, 5, samples=1)
    exact = np.diagonal(oracle.hessian(spec_of(network), params, x), axis1=1, axis2=2)[0]
    repeated = np.repeat(x, 10_000, axis=0)
    for distribution in ("rademacher", "gaussian"):
        module = module_of(network, hessian="hutchinson", probes=2, distribution=distribution)
        probes = module.draw_probes(10_000, 0)
        z = probes * np.einsum("de,npe->npd", oracle.hessian(spec_of(network), params, x)[0], probes)
        assert_close(module.hessian_diagonal(params, repeated, probes=probes), z.mean(axis=1), TOLERANCE, "z")
        for values, truth in (
            (z.sum(axis=2).ravel(), exact.sum()),
            ((z[:, 0] * z[:, 1]).sum(axis=1), (exact**2).sum()),
        ):
            error = values.std() / np.sqrt(values.size)
            assert abs(values.mean() - truth) < 3 * error
        # and the module's own terms are those means
        K, L = module.loss_terms(params, repeated, 0.7, probes=probes)
        assert_close(L, -z.sum(axis=2).mean() + 0.7 * (z[:, 0] * z[:, 1]).sum(axis=1).mean(), TOLERANCE, "L")
        assert_close(K, 0.5 * np.sum(oracle.score(spec_of(network), params, x) ** 2), TOLERANCE, "K")


def test_variance_falls_as_one_over_the_number_of_probes() -> None:
    network = CATALOGUE["deep_linear_top"]()
    params, x = random_case(network, 5, samples=1)
    repeated = np.repeat(x, 4000, axis=0)
    variance = {}
    for probes in (1, 4, 16):
        module = module_of(network, hessian="hutchinson", probes=probes)
        variance[probes] = module.hessian_diagonal(params, repeated, rng=0).sum(axis=1).var()
    for probes in (4, 16):
        assert abs(variance[1] / variance[probes] / probes - 1) < 0.15


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_generators_and_arguments(backend: str) -> None:
    network = CATALOGUE["deep"]()
    module = module_of(network, backend=backend, hessian="hutchinson", probes=2)
    params, x = random_case(network, samples=3)
    assert set(np.unique(module.draw_probes(50, 1))) == {-1.0, 1.0}
    once, again = (module.loss_and_grad(params, x, 0.1, rng=7) for _ in range(2))
    assert once[0] == again[0]
    for probe_arguments in ({"rng": np.random.default_rng(7)}, {"probes": module.draw_probes(3, 7)}):
        assert_close(module.loss(params, x, 0.1, **probe_arguments), once[0], TOLERANCE)
    for arguments, complaint in (
        ({"rng": "seed"}, "rng: expected a seed, a numpy.random.Generator or None, got 'seed'"),
        ({"rng": -1}, "rng: expected a seed, a numpy.random.Generator or None, got -1"),
        ({"rng": np.random.RandomState(0)}, "rng: expected a seed, a numpy.random.Generator or None, got RandomState"),
        ({"rng": 1, "probes": module.draw_probes(3)}, "probes: expected None beside rng"),
        ({"probes": module.draw_probes(2)}, r"probes: expected shape \(3, 2, 3\), got \(2, 2, 3\)"),
        ({"probes": module.draw_probes(3).astype(np.float32)}, "probes: expected dtype float64"),
        ({"probes": np.full((3, 2, 3), np.nan)}, "probes: expected finite values"),
    ):
        with pytest.raises(ValueError, match=complaint):
            module.loss_and_grad(params, x, **arguments)
    single = module_of(network, backend=backend, hessian="hutchinson", probes=1)
    with pytest.raises(
        ValueError, match="λ weighs Σ_d H_dd², whose unbiased estimate is a product of independent probes"
    ):
        single.loss(params, x, 0.1)
    assert single.selftest()
    assert module.selftest()
