"""The sweeps of δ and of its adjoints, equation by equation: written once, for every layer and hessian mode.

Each visits the vertices in order and, at each, sums over U_j (its inputs) or V_j (the vertices that read it) what the
equations say: derivatives of Φ (`layers.protocol`). A sum that is zero by the symbols stays the number 0 and leaves no
operation behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from smgen.ir import Contribution, term
from smgen.lower.curvature import Adjoints, Values
from smgen.lower.names import DELTA, Adjoint, d_ddelta
from smgen.lower.values import Lowering
from smgen.network import Vertex


def backward(low: Lowering, curvature: Callable[[Vertex, Values], None] | None = None) -> Values:
    """δ_j = Σ_k J_jᵀ δ_k (1); `curvature` is told of each vertex as soon as its δ is there."""
    low.emitter.sweep("backward")
    delta: Values = {}
    starts = dict(low.network.energies)
    for v in reversed(low.network.vertices):
        parts = [
            part
            for k in low.network.children(v.name)
            for part in low.at[k.name].backward(low.emitter, v.name, delta[k.name])
        ]
        delta[v.name] = low.emitter.gather(DELTA.of(v.name), "(1)", parts, sp.Integer(starts.get(v.name, 0)))
        if curvature:
            curvature(v, delta)
    return delta


def adjoint_forward(low: Lowering, adjoint: Adjoint, start: sp.Expr, curvature: Adjoints) -> Values:
    """∂/∂δ (μ) of every vertex, from the inputs forwards: (3) to (6), (11), (12), (18), (19).

    μ_k = ∂Φ/∂δ_k = Σ_p J_p μ_p + Σ_pq ν_pq f_pq.
    """
    low.emitter.sweep(f"forward adjoints of {adjoint.of}")
    quantity = d_ddelta(adjoint.of)
    mu: Values = {}
    for v in low.network.vertices:
        name = quantity.of(v.name)
        if v.layer.is_data:
            mu[v.name] = low.emitter.let(name, start, adjoint.start)
        else:
            parts = [*_curved(low, v, curvature), *low.at[v.name].forward(low.emitter, mu)]
            mu[v.name] = low.emitter.gather(name, adjoint.forward[v.layer.equations], parts)
        curvature.forward(v)
    return mu


def _curved(low: Lowering, k: Vertex, curvature: Adjoints) -> Iterator[Contribution]:
    """Σ_pq ν_pq f_pq."""
    at = low.at[k.name]
    for p, q in at.pairs:
        if (nu := curvature.nu(p, q)) != 0:
            yield term(nu * at.partial(p, q) if p == q else 2 * nu * at.partial(p, q))


def gamma_parts(
    low: Lowering, a: str, k: Vertex, values: tuple[Values, Values, Values], curvature: Adjoints
) -> Iterator[Contribution]:
    """What a vertex k passes back to ∂/∂g (γ) of its operand a, which need not depend on x.

    ∂Φ/∂g_a = J_aᵀ γ_k + Σ_p f_pa (μ_p δ_k + what δ′ has of J_p) + Σ_pq ν_pq f_pqa δ_k: (9), (10), (21), (22), [+] 6.
    """
    delta, mu, gamma = values
    at = low.at[k.name]
    yield from at.backward(low.emitter, a, gamma[k.name])
    if not k.inputs:
        return
    for p in k.inputs:
        if (bend := at.partial(p, a)) != 0 and (value := mu[p] * delta[k.name]) != 0:
            yield term(value * bend)
    for p in k.inputs:
        if (bend := at.partial(p, a)) != 0 and (slope := curvature.slope(p, k)) != 0:
            yield term(slope * bend)
    for p, q in at.pairs:
        bent = curvature.nu(p, q) * delta[k.name]
        if bent != 0 and (third := at.partial(p, q, a)) != 0:
            yield term(bent * third if p == q else 2 * bent * third)
