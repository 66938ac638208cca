"""The diagonal recursion: which sweeps each function of the generated module takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import sympy as sp

from smgen.ir import BATCH, LAMBDA, Buffer, Reduce, Schedule
from smgen.lower.gradients import adjoint_backward
from smgen.lower.names import DELTA, DELTA_PRIME, Adjoint, G, J, K, L, input_buffers
from smgen.lower.sweeps import Values, adjoint_forward, backward
from smgen.lower.values import Lowering
from smgen.network import Network


def lower_diagonal(network: Network) -> tuple[Schedule, ...]:
    """One schedule a function. λ is a run-time argument; λ = 0 takes its own, shorter path: ν_in = −1 does not vary."""
    return tuple(_schedule(network, name, body) for name, body in FUNCTIONS.items())


def _schedule(network: Network, name: str, body: Callable[[Lowering], tuple[Buffer, ...]]) -> Schedule:
    low = Lowering(network)
    low.forward()
    outputs = body(low)
    return Schedule(name, input_buffers(network), low.emitter.finished(), outputs, network.fingerprint)


def _energy(low: Lowering) -> tuple[Buffer, ...]:
    """E = Σ over the units of the energy vertices."""
    low.emitter.sweep("energy: E")
    total = sp.S.Zero
    for name, count in low.network.energies:
        src = low.emitter.buffer(low.g[name])
        unit_sum = low.emitter.new(f"E_{name}", (BATCH,), f"Σ_j {G.text(name)}")
        total += count * low.emitter.emit(Reduce(unit_sum, src, 1))
    return (low.emitter.fill("energy", (BATCH,), total, "E = the sum over the energy's units"),)


def _score(low: Lowering) -> tuple[Buffer, ...]:
    delta, _ = backward(low, curvature=False)
    source = low.network.input
    shape = (BATCH, source.units)
    return (low.emitter.fill("score", shape, -delta[source.name], f"score = −{DELTA.text(source.name)}"),)


def _hessian_diagonal(low: Lowering) -> tuple[Buffer, ...]:
    _, prime = backward(low, curvature=True)
    source = low.network.input
    shape = (BATCH, source.units)
    math = f"the diagonal of the Hessian, {DELTA_PRIME.text(source.name)}"
    return (low.emitter.fill("hessian_diagonal", shape, prime[source.name], math),)


def _terms(low: Lowering, lam: sp.Expr) -> tuple[Values, Values, sp.Expr, sp.Expr]:
    """δ, δ′ and the two terms of the loss: K = ½ Σ δ_in², L = Σ (−δ′_in + λ δ′_in²), means over the batch."""
    delta, prime = backward(low, curvature=True)
    low.emitter.sweep("loss: K and L")
    x, units = low.network.input.name, low.network.input.units
    d, p = DELTA.text(x), DELTA_PRIME.text(x)
    mean = low.emitter.mean_sum
    k = mean(delta[x] ** 2, units, "sum_delta_squared", f"Σ_n Σ_i {d}²") / 2
    ell = -mean(prime[x], units, "sum_delta_prime", f"Σ_n Σ_i {p}")
    if lam != 0:
        ell += lam * mean(prime[x] ** 2, units, "sum_delta_prime_squared", f"Σ_n Σ_i {p}²")
    return delta, prime, k, ell


def _loss_outputs(low: Lowering, lam: sp.Expr, k: sp.Expr, ell: sp.Expr) -> tuple[Buffer, Buffer]:
    x = low.network.input.name
    curvature = f" + λ {DELTA_PRIME.text(x)}²" if lam != 0 else ""
    k_math = f"K = (1/N) Σ_n ½ Σ_i {DELTA.text(x)}²"
    l_math = f"L = (1/N) Σ_n Σ_i (−{DELTA_PRIME.text(x)}{curvature})"
    return (
        low.emitter.fill("K", (), k, k_math, "accumulator"),
        low.emitter.fill("L", (), ell, l_math, "accumulator"),
    )


def _loss_terms(lam: sp.Expr) -> Callable[[Lowering], tuple[Buffer, ...]]:
    def body(low: Lowering) -> tuple[Buffer, ...]:
        _, _, k, ell = _terms(low, lam)
        terms = _loss_outputs(low, lam, k, ell)
        return (*terms, low.emitter.fill("J", (), terms[0].symbol + terms[1].symbol, "J = K + L", "accumulator"))

    return body


def _gradient(low: Lowering, lam: sp.Expr, adjoint: Adjoint, delta: Values, prime: Values) -> tuple[Buffer, ...]:
    """The adjoint sweeps of one term: K and J start from ∂/∂δ_in = δ_in, L and J from ∂/∂δ′_in = −1 + 2λ δ′_in."""
    x = low.network.input.name
    mu_start = sp.S.Zero if adjoint is L else delta[x]
    nu_start = sp.S.Zero if adjoint is K else -1 + 2 * lam * prime[x]
    mu, nu = adjoint_forward(low, adjoint, mu_start, nu_start)
    return tuple(adjoint_backward(low, adjoint, delta, prime, mu, nu).values())


def _loss_and_grad(lam: sp.Expr) -> Callable[[Lowering], tuple[Buffer, ...]]:
    """The merged sweep ([+] 1): every sweep is linear in the adjoints, so J = K + L needs one."""

    def body(low: Lowering) -> tuple[Buffer, ...]:
        delta, prime, k, ell = _terms(low, lam)
        loss = low.emitter.fill("J", (), k + ell, "J = K + L", "accumulator")
        return (loss, *_gradient(low, lam, J, delta, prime))

    return body


def _loss_and_grad_terms(lam: sp.Expr) -> Callable[[Lowering], tuple[Buffer, ...]]:
    """The source's separate sweeps for K and for L."""

    def body(low: Lowering) -> tuple[Buffer, ...]:
        delta, prime, k, ell = _terms(low, lam)
        losses = _loss_outputs(low, lam, k, ell)
        gradients = [g for adjoint in (K, L) for g in _gradient(low, lam, adjoint, delta, prime)]
        return (*losses, *gradients)

    return body


FUNCTIONS: Final[Mapping[str, Callable[[Lowering], tuple[Buffer, ...]]]] = {
    "energy": _energy,
    "score": _score,
    "hessian_diagonal": _hessian_diagonal,
    "loss_terms": _loss_terms(LAMBDA.symbol),
    "loss_terms_lam0": _loss_terms(sp.S.Zero),
    "loss_and_grad": _loss_and_grad(LAMBDA.symbol),
    "loss_and_grad_lam0": _loss_and_grad(sp.S.Zero),
    "loss_and_grad_terms": _loss_and_grad_terms(LAMBDA.symbol),
    "loss_and_grad_terms_lam0": _loss_and_grad_terms(sp.S.Zero),
}
