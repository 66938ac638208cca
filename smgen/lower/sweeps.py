"""The sweeps of δ and of its adjoints, equation by equation: written once, for every layer and hessian mode.

A sweep visits the vertices in order. At vertex j it sums the terms of the equations over U_j (the inputs of j) or V_j
(the vertices that read j); the terms are derivatives of Φ (`layers.protocol`). A sum that is symbolically zero stays
the number 0, and no operation is written for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from smgen.ir import ZERO, Contribution, term
from smgen.lower.hessian_state import TermAdjoints, Values
from smgen.lower.names import DELTA, LossTerm, d_ddelta
from smgen.lower.values import Lowering
from smgen.network import Vertex


def backward(lowering: Lowering, visit: Callable[[Vertex, Values], None] | None = None) -> Values:
    """δ_j = Σ_k J_jᵀ δ_k (1). `visit` is called for each vertex as soon as its δ is known.

    δ_out is 1. With `weighted_energy` it is the weight of the sample, and what is linear in E has that weight.
    """
    lowering.emitter.sweep("backward")
    delta: Values = {}
    starts = energy_starts(lowering, weighted=lowering.weighted_energy)
    for v in reversed(lowering.network.vertices):
        parts = [
            part
            for k in lowering.network.children(v.name)
            for part in lowering.lowered[k.name].backward(lowering.emitter, v.name, delta[k.name])
        ]
        delta[v.name] = lowering.emitter.sum_of(DELTA.of(v.name), "(1)", parts, starts.get(v.name, ZERO))
        if visit:
            visit(v, delta)
    return delta


def energy_starts(lowering: Lowering, *, weighted: bool) -> Values:
    """∂/∂g of Σ_n E, or of Σ_n w_n E, of the vertices that are summed up in E."""
    counts = {name: sp.Integer(count) for name, count in lowering.network.energies}
    if not weighted:
        return counts
    return {name: lowering.weight_of(lowering.network[name], count) for name, count in counts.items()}


def adjoint_forward(lowering: Lowering, loss_term: LossTerm, mu_start: sp.Expr, adjoints: TermAdjoints) -> Values:
    """μ = ∂/∂δ of every vertex, from the inputs forwards: (3) to (6), (11), (12), (18), (19).

    μ_k = ∂Φ/∂δ_k = Σ_p J_p μ_p + Σ_pq ν_pq f_pq.
    """
    lowering.emitter.sweep(f"forward adjoints of {loss_term.letter}")
    quantity = d_ddelta(loss_term.letter)
    mu: Values = {}
    for v in lowering.network.vertices:
        name = quantity.of(v.name)
        if v.layer.is_data:
            mu[v.name] = lowering.emitter.bind(name, mu_start, loss_term.mu_start)
        else:
            parts = [*_curvature_parts(lowering, v, adjoints), *lowering.lowered[v.name].forward(lowering.emitter, mu)]
            mu[v.name] = lowering.emitter.sum_of(name, loss_term.mu[v.layer.equations], parts)
        adjoints.forward(v)
    return mu


def _curvature_parts(lowering: Lowering, k: Vertex, adjoints: TermAdjoints) -> Iterator[Contribution]:
    """Σ_pq ν_pq f_pq."""
    lowered = lowering.lowered[k.name]
    for p, q in lowered.pairs:
        if (nu := adjoints.nu(k, p, q)) != 0:
            yield term(nu * lowered.partial(p, q) if p == q else 2 * nu * lowered.partial(p, q))
    for p, q in lowered.products:
        yield from adjoints.product_nu(k, p, q)


def gamma_parts(
    lowering: Lowering, a: str, k: Vertex, values: tuple[Values, Values, Values], adjoints: TermAdjoints
) -> Iterator[Contribution]:
    """The contributions of a vertex k to γ = ∂/∂g of its operand a, which need not depend on x.

    ∂Φ/∂g_a = J_aᵀ γ_k + Σ_p f_pa (μ_p δ_k + ∂Φ/∂J_p through δ′) + Σ_pq ν_pq f_pqa δ_k: (9), (10), (21), (22), [+] 6.
    """
    delta, mu, gamma = values
    lowered = lowering.lowered[k.name]
    yield from lowered.backward(lowering.emitter, a, gamma[k.name])
    if not k.inputs:
        return
    for p in k.inputs:
        if (f_second := lowered.partial(p, a)) != 0 and (value := mu[p] * delta[k.name]) != 0:
            yield term(value * f_second)
    for p in k.inputs:
        if (f_second := lowered.partial(p, a)) != 0 and (slope := adjoints.slope(p, k)) != 0:
            yield term(slope * f_second)
    for p, q in lowered.pairs:
        nu_delta = adjoints.nu(k, p, q) * delta[k.name]
        if nu_delta != 0 and (f_third := lowered.partial(p, q, a)) != 0:
            yield term(nu_delta * f_third if p == q else 2 * nu_delta * f_third)
    for pair in lowered.products:
        for source, other in (pair, pair[::-1]):
            if source == a and other in k.inputs:
                yield from _product_parts(lowering, a, other, k, (delta[k.name], mu[other]), adjoints)


def _product_parts(
    lowering: Lowering, a: str, other: str, k: Vertex, values: tuple[sp.Expr, sp.Expr], adjoints: TermAdjoints
) -> Iterator[Contribution]:
    """The terms of γ of a factor of a product k that come from δ and δ′ of the other factor ([+] 15)."""
    delta, mu = values
    lowered = lowering.lowered[k.name]
    if delta != 0 and mu != 0:
        yield lambda name, number: lowered.product_back(lowering.emitter, a, delta, mu, name, number)
    yield from adjoints.product_slope(k, a, other)
