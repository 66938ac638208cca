"""Which sweeps each function of the generated module takes, whatever the hessian mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir import BATCH, LAMBDA, Buffer, Letter, Reduce, Schedule
from smgen.lower.curvature import Curvature, Flat, Values
from smgen.lower.gradients import adjoint_backward
from smgen.lower.names import Adjoint, G, J, K, L, Name
from smgen.lower.sweeps import adjoint_forward, backward
from smgen.lower.values import Lowering
from smgen.network import Network

Mode: TypeAlias = Callable[[Lowering, sp.Expr | None], Curvature]
"""How a hessian mode begins a function, for a λ or, where there is no loss, for None."""

Body: TypeAlias = Callable[[Lowering, Curvature, sp.Expr], tuple[Buffer, ...]]
"""Writes a function's sweeps for a λ and returns its outputs."""


def function(network: Network, name: str, mode: Mode, arguments: tuple[Buffer, ...] = ()) -> Schedule:
    """The schedule of one function. λ is a run-time argument; λ = 0 takes its own, shorter path.

    `arguments` are those of the mode, beside x, λ and the parameters.
    """
    base, zero, _ = name.partition("_lam0")
    low = Lowering(network, arguments)
    lam = sp.S.Zero if zero else LAMBDA.symbol
    curvature = mode(low, lam if base.startswith("loss") else None)
    low.forward()
    outputs = BODIES[base](low, curvature, lam)
    return Schedule(name, low.emitter.inputs, low.emitter.finished(), outputs, network.fingerprint)


def _energy(low: Lowering, _: Curvature, __: sp.Expr) -> tuple[Buffer, ...]:
    """E = Σ over the units of the energy vertices."""
    low.emitter.sweep("energy")
    total = sp.S.Zero
    for name, count in low.network.energies:
        unit_sum = low.emitter.new(f"E_{name}", (BATCH,))
        total += count * low.emitter.emit(Reduce(unit_sum, low.emitter.buffer(low.g[name]), 1))
    return (low.emitter.fill(_result("energy"), (BATCH,), total),)


def _result(code: str) -> Name:
    """What a function returns, under its own name."""
    return Name(code, Letter(code, family=code))


def _layer_means(low: Lowering, _: Curvature, __: sp.Expr) -> tuple[Buffer, ...]:
    """The mean over the units of every vertex, one number a sample: finite where all its values are."""
    low.emitter.sweep("means of the layers")
    outs = []
    for v in low.network.vertices:
        name = G.of(v.name).code
        src = low.emitter.buffer(low.emitter.named(low.g[v.name] / v.units, f"{name}_part"))
        out = low.emitter.new(_result(f"mean_{name}"), (BATCH,))
        low.emitter.emit(Reduce(out, src, 1))
        outs.append(out)
    return tuple(outs)


def _score(low: Lowering, _: Curvature, __: sp.Expr) -> tuple[Buffer, ...]:
    source = low.network.input
    value = -backward(low)[source.name]
    return (low.emitter.fill(_result("score"), (BATCH, source.units), value),)


def _hessian_diagonal(low: Lowering, curvature: Curvature, _: sp.Expr) -> tuple[Buffer, ...]:
    curvature.backward()
    shape = (BATCH, low.network.input.units)
    return (low.emitter.fill(_result("hessian_diagonal"), shape, curvature.diagonal()),)


def _terms(low: Lowering, curvature: Curvature, lam: sp.Expr) -> tuple[Values, sp.Expr, sp.Expr]:
    """δ and the two terms of the loss: K = ½ Σ δ_in² and L, means over the batch."""
    delta = curvature.backward()
    low.emitter.sweep("loss")
    x = low.network.input
    k = low.emitter.mean_sum(delta[x.name] ** 2, x.units, Name("sum_delta_squared")) / 2
    return delta, k, curvature.loss(lam)


def _number(low: Lowering, code: str, value: sp.Expr) -> Buffer:
    """K, L or J, in float64."""
    return low.emitter.fill(_result(code), (), value, kind="accumulator")


def _loss_terms(low: Lowering, curvature: Curvature, lam: sp.Expr) -> tuple[Buffer, ...]:
    _, k, ell = _terms(low, curvature, lam)
    terms = _number(low, "K", k), _number(low, "L", ell)
    return (*terms, _number(low, "J", terms[0].symbol + terms[1].symbol))


def _loss_and_grad(low: Lowering, curvature: Curvature, lam: sp.Expr) -> tuple[Buffer, ...]:
    """The merged sweep ([+] 1): every sweep is linear in the adjoints, so J = K + L needs one."""
    delta, k, ell = _terms(low, curvature, lam)
    return (_number(low, "J", k + ell), *_gradient(low, curvature, J, delta, lam))


def _loss_and_grad_terms(low: Lowering, curvature: Curvature, lam: sp.Expr) -> tuple[Buffer, ...]:
    """The source's separate sweeps for K and for L."""
    delta, k, ell = _terms(low, curvature, lam)
    losses = _number(low, "K", k), _number(low, "L", ell)
    gradients = [g for adjoint in (K, L) for g in _gradient(low, curvature, adjoint, delta, lam)]
    return (*losses, *gradients)


def _gradient(low: Lowering, curvature: Curvature, adjoint: Adjoint, delta: Values, lam: sp.Expr) -> tuple[Buffer, ...]:
    """The adjoint sweeps of one term: K and J start from ∂/∂δ_in = δ_in, L and J from the mode's ∂L."""
    start = sp.S.Zero if adjoint is L else delta[low.network.input.name]
    if adjoint is not K:
        curvature.start(adjoint, lam)
    term = Flat() if adjoint is K else curvature
    mu = adjoint_forward(low, adjoint, start, term)
    return tuple(adjoint_backward(low, adjoint, delta, mu, term).values())


BODIES: Final[Mapping[str, Body]] = {
    "energy": _energy,
    "score": _score,
    "hessian_diagonal": _hessian_diagonal,
    "loss_terms": _loss_terms,
    "loss_and_grad": _loss_and_grad,
    "loss_and_grad_terms": _loss_and_grad_terms,
    "layer_means": _layer_means,
}

FUNCTIONS: Final = tuple(
    name for base in BODIES for name in ((base, f"{base}_lam0") if base.startswith("loss") else (base,))
)
"""In the order they appear in the module."""
