"""C and CUDA modules of networks on arrays beside NumPy's, which are compared with the oracle."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.hessians import Method
from smgen.network import Network
from tests.every_kind import EVERY_KIND
from tests.support import Array, assert_close, module_of, random_case, random_conditions
from tests.targets.cuda.emitted import assert_agrees

DIAGONAL, EXACT, HUTCHINSON = Method(), Method("exact"), Method("hutchinson", probes=2)
TOLERANCE = {"float32": 3e-4, "float64": 1e-12}
SINGLE = ("conditioned", "attention")
"""In float32 too."""
CASES = [
    *((name, "float64", method)
      for k, name in enumerate(EVERY_KIND) for method in (DIAGONAL, (EXACT, HUTCHINSON)[k % 2])),
    ("conditioned", "float64", EXACT), ("attention", "float64", EXACT),
    *((name, "float32", DIAGONAL) for name in SINGLE),
]  # fmt: skip
each_case = pytest.mark.parametrize(("name", "dtype", "method"), CASES, ids=lambda v: getattr(v, "hessian", v))


def results(module: ModuleType, network: Network, samples: int, workspace: Any = None) -> dict[str, Any]:
    """What every function returns, as arrays by name."""
    cast = module.DTYPE
    params, x = random_case(network, 3, samples)
    params, x = {key: value.astype(cast) for key, value in params.items()}, x.astype(cast)
    given = {name: value.astype(cast) for name, value in random_conditions(network, 3, samples).items()}
    random: dict[str, Any] = dict(given)
    if module.METADATA["hessian"] == "hutchinson":
        probes = module.METADATA["probes"]
        random["probes"] = np.random.default_rng(1).standard_normal((samples, probes, x.shape[1])).astype(cast)
    found = {"energy": module.energy(params, x, **given), "score": module.score(params, x, **given)}
    found["hessian_diagonal"] = module.hessian_diagonal(params, x, **random)
    for lam in (0.0, 0.3):
        J, gradient = module.loss_and_grad(params, x, lam, workspace=workspace, **random)
        K, L, dK, dL = module.loss_and_grad_terms(params, x, lam, **random)
        found |= {f"J at {lam}": J, f"K at {lam}": K, f"L at {lam}": L}
        found |= {f"loss at {lam}": module.loss(params, x, lam, **random)}
        found |= {f"terms at {lam}": np.array(module.loss_terms(params, x, lam, **random))}
        for word, gradients in (("J", gradient), ("K", dK), ("L", dL)):
            found |= {f"d{word}/d{key} at {lam}": value for key, value in gradients.items()}
    return found


def built(network: Network, dtype: str, backend: str, method: Method) -> ModuleType:
    return module_of(network, dtype, backend, method.hessian, method.probes)


@pytest.mark.slow
@each_case
def test_c(name: str, dtype: str, method: Method) -> None:
    network = EVERY_KIND[name]()
    c, numpy = (built(network, dtype, backend, method) for backend in ("c", "numpy"))
    expected = results(numpy, network, 5)
    for what, value in results(c, network, 5).items():
        assert_close(value, expected[what], TOLERANCE[dtype], what)


@pytest.mark.parametrize("samples", [1, 2, 3, 7])
def test_threads_of_c(samples: int) -> None:
    """The same bits from any number of threads."""
    network = EVERY_KIND["conditioned"]()
    c = built(network, "float64", "c", Method())
    expected: dict[str, Array] = results(c, network, samples, c.Workspace(threads=1))
    for threads in (2, 3):
        for what, value in results(c, network, samples, c.Workspace(threads=threads)).items():
            np.testing.assert_array_equal(value, expected[what], what)
    one_by_one = results(built(network, "float64", "numpy", Method()), network, samples)
    for what, value in one_by_one.items():
        assert_close(expected[what], value, 1e-12, what)


@pytest.mark.slow
@each_case
def test_cuda(name: str, dtype: str, method: Method) -> None:
    network = EVERY_KIND[name]()
    assert_agrees(network, dtype, *random_case(network, 3, 3), method=method)
