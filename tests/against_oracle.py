"""Every number of a module beside the brute-force oracle's, to 1e-12."""

from __future__ import annotations

from types import ModuleType

from smgen.network import Network
from tests import oracle
from tests.support import Array, Params, assert_close, module_of, random_case, random_conditions, spec_of

TOLERANCE = 1e-12


def compare(network: Network, seed: int, samples: int = 4, backend: str = "numpy") -> None:
    module, spec = module_of(network, backend=backend), spec_of(network)
    params, x = random_case(network, seed, samples)
    given = random_conditions(network, seed, samples)
    assert_close(module.energy(params, x, **given), oracle.energy(spec, params, x, given), TOLERANCE, "energy")
    assert_close(module.score(params, x, **given), oracle.score(spec, params, x, given), TOLERANCE, "score")
    assert_close(
        module.hessian_diagonal(params, x, **given),
        oracle.hessian_diagonal(spec, params, x, given),
        TOLERANCE,
        "hessian",
    )
    for lam in (0.0, 0.3):
        compare_losses(module, spec, params, x, lam, given)


def compare_losses(
    module: ModuleType, spec: oracle.Spec, params: Params, x: Array, lam: float, given: oracle.Given = oracle.NOTHING
) -> None:
    K, L, dK, dL = oracle.loss_and_grad_terms(spec, params, x, lam, given)
    assert_close(module.loss_terms(params, x, lam, **given), (K, L), TOLERANCE, f"K and L at {lam}")
    assert_close(module.loss(params, x, lam, **given), K + L, TOLERANCE, f"J at {lam}")
    J, dJ = module.loss_and_grad(params, x, lam, **given)
    assert_close(J, K + L, TOLERANCE, f"J with gradient at {lam}")
    ours = module.loss_and_grad_terms(params, x, lam, **given)
    assert_close(ours[:2], (K, L), TOLERANCE, f"K and L with gradients at {lam}")
    assert list(dJ) == list(module.PARAMS) == list(ours[2]) == list(ours[3])
    for key in module.PARAMS:
        assert_close(ours[2][key], dK[key], TOLERANCE, f"dK/d{key} at {lam}")
        assert_close(ours[3][key], dL[key], TOLERANCE, f"dL/d{key} at {lam}")
        assert_close(dJ[key], dK[key] + dL[key], TOLERANCE, f"dJ/d{key} at {lam}")
