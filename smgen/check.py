"""`smgen check`: is the module right for this network? Gradient by Taylor order, numbers by their definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np

from smgen.network import Network
from smgen.reference import Reference, evaluate

SAMPLES: Final = 3
TOLERANCE: Final = {"float64": 1e-10, "float32": 1e-4}
ORDER_TOLERANCE: Final = {"float64": 0.1, "float32": 0.3}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: what was compared, what was measured, and whether it is as it should be."""

    what: str
    measured: str
    expected: str
    passed: bool


def check(network: Network, module: ModuleType, seed: int = 0) -> Iterator[Finding]:
    """Compare a generated module with the definitions, at random parameters and data. Yields a finding at a time."""
    rng = np.random.default_rng(seed)
    params = module.init_params(seed)
    host = {key: module._asnumpy(value) for key, value in params.items()}
    x = rng.standard_normal((SAMPLES, network.input.units)).astype(module.DTYPE)
    references = [evaluate(network, host, row.astype(np.float64)) for row in x]
    yield from _numbers(module, params, module._asarray(x), references, seed)
    yield _exactness(module, references)
    yield from _gradient(module, params, network.input.units, rng)


def _lams(module: ModuleType) -> tuple[float, ...]:
    """The weights of the regulariser that a module takes: with a single probe, 0 alone."""
    return (0.0,) if module.METADATA.get("probes") == 1 else (0.0, 0.1)


def _numbers(
    module: ModuleType, params: dict[str, Any], x: Any, references: list[Reference], seed: int
) -> Iterator[Finding]:
    bound = TOLERANCE[module.METADATA["dtype"]]
    lam = _lams(module)[-1]
    delta = np.array([r.delta for r in references])
    k = float(np.mean(0.5 * np.sum(delta**2, axis=1)))
    given: dict[str, Any] = {}
    squares: Any = 0.0
    match module.METADATA["hessian"]:
        case "hutchinson":
            given["probes"] = module.draw_probes(len(references), seed)
            v = module._asnumpy(given["probes"]).astype(np.float64)
            z = v * np.einsum("nde,npe->npd", np.array([r.hessian for r in references]), v)
            what, prime = "δ′ from given probes  ([+] 9)", z.mean(axis=1)
            if lam:
                squares = (z.sum(axis=1) ** 2 - (z**2).sum(axis=1)) / (z.shape[1] * (z.shape[1] - 1))
        case "exact":
            what, prime = "δ′, the Hessian's diagonal  ([+] 8)", np.array([r.diagonal for r in references])
            squares = prime**2
        case _:
            what, prime = "δ′ by the recursion  (§1.3)", np.array([r.recursion for r in references])
            squares = prime**2
    ell = float(np.mean(np.sum(-prime + lam * squares, axis=1)))
    for name, ours, theirs in (
        ("energy E", module._asnumpy(module.energy(params, x)), np.array([r.energy for r in references])),
        ("score −δ  (1)", module._asnumpy(module.score(params, x)), -delta),
        (what, module._asnumpy(module.hessian_diagonal(params, x, **given)), prime),
        (
            "K and L",
            np.array([float(term) for term in module.loss_terms(params, x, lam, **given)]),
            np.array([k, ell]),
        ),
    ):
        error = float(np.max(np.abs(ours - theirs))) / max(float(np.max(np.abs(theirs))), 1.0)
        yield Finding(name, f"relative error {error:.1e}", f"at most {bound:.0e}", error <= bound)


def _exactness(module: ModuleType, references: list[Reference]) -> Finding:
    """The recursion against the true Hessian: equal where it is what the module uses and the verdict says so."""
    difference = sum(float(np.abs(r.recursion - r.diagonal).sum()) for r in references)
    size = sum(float(np.abs(r.diagonal).sum()) for r in references)
    error = difference / max(size, 1e-300) if difference else 0.0
    exact = bool(module.METADATA["exact"]) and module.METADATA["hessian"] == "diagonal"
    expected = "at most 1e-10" if exact else "any: see the verdict"
    what = "the recursion against the true Hessian"
    return Finding(what, f"relative L1 {error:.1e}", expected, not exact or error <= 1e-10)


def _gradient(module: ModuleType, params: dict[str, Any], units: int, rng: np.random.Generator) -> Iterator[Finding]:
    """The merged gradient by its Taylor order, and ∂K + ∂L of the separate sweeps against it."""
    tolerance, bound = ORDER_TOLERANCE[module.METADATA["dtype"]], TOLERANCE[module.METADATA["dtype"]]
    x = module._asarray(rng.standard_normal((16, units)).astype(module.DTYPE))
    given = {"probes": module.draw_probes(16, 0)} if module.METADATA["hessian"] == "hutchinson" else {}
    for lam in _lams(module):
        loss, gradient = module.loss_and_grad(params, x, lam, **given)
        loss, gradient = float(loss), {key: module._asnumpy(value) for key, value in gradient.items()}
        _, _, of_k, of_l = module.loss_and_grad_terms(params, x, lam, **given)
        for key in module.PARAMS:
            order = module._taylor_order(params, x, lam, loss, gradient, key, rng, **given)
            measured = "remainder below rounding" if order is None else f"order {order:.3f}"
            passed = order is None or abs(order - 2.0) <= tolerance
            yield Finding(f"∂J/∂{key}, λ = {lam:g}", measured, f"order 2 ± {tolerance}", passed)
            total = module._asnumpy(of_k[key]) + module._asnumpy(of_l[key])
            error = float(np.max(np.abs(total - gradient[key]))) / max(float(np.max(np.abs(total))), 1.0)
            passed = error <= bound
            yield Finding(
                f"∂K + ∂L = ∂J, {key}, λ = {lam:g}", f"relative error {error:.1e}", f"at most {bound:.0e}", passed
            )
