"""Which sweeps each function of the generated module takes, whatever the hessian mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import sympy as sp

from smgen.ir import (
    ENERGY,
    HESSIAN_DIAGONAL,
    LAMBDA,
    LAYER_MEANS,
    SCALAR,
    SCORE,
    Buffer,
    Function,
    Layout,
    Letter,
    Name,
    Reduce,
    Schedule,
)
from smgen.layers.letters import G
from smgen.lower.curvature import Curvature, Flat, Values
from smgen.lower.gradients import adjoint_backward
from smgen.lower.names import ADJOINTS, Adjoint, K, L
from smgen.lower.sweeps import adjoint_forward, backward
from smgen.lower.values import Lowering
from smgen.network import Network

ROW: Final = Layout(batch=True)
"""One number a sample."""

Begin: TypeAlias = Callable[[Lowering, Function, sp.Expr | None], Curvature]
"""How a hessian mode begins a function, for a λ or, where there is no loss, for None."""

Body: TypeAlias = Callable[[Lowering, Curvature], tuple[Buffer, ...]]
"""Writes a function's sweeps and returns its outputs."""


def schedule(network: Network, function: Function, begin: Begin, arguments: tuple[Buffer, ...] = ()) -> Schedule:
    """The schedule of one function. `arguments` are those of the mode, beside x, λ and the parameters."""
    low = Lowering(network=network, arguments=arguments)
    lam = None if function.lam == "none" else sp.S.Zero if function.lam == "zero" else LAMBDA.symbol
    curvature = begin(low, function, lam)
    low.forward()
    outputs = _losses(low, curvature, function, lam) if lam is not None else BODIES[function](low, curvature)
    return Schedule(
        function=function,
        inputs=low.emitter.inputs,
        sweeps=low.emitter.finished(),
        outputs=outputs,
        fingerprint=network.fingerprint,
    )


def _energy(low: Lowering, _: Curvature) -> tuple[Buffer, ...]:
    """E = Σ over the units of the energy vertices."""
    low.emitter.sweep("energy")
    total = sp.S.Zero
    for name, count in low.network.energies:
        unit_sum = low.emitter.new(f"E_{name}", ROW)
        total += count * low.emitter.emit(Reduce(out=unit_sum, src=low.emitter.buffer(low.g[name]), axis=1))
    return (low.emitter.fill(_result("energy"), ROW, total),)


def _result(code: str) -> Name:
    """What a function returns, under its own name."""
    return Name(code, Letter(code, family=code))


def _layer_means(low: Lowering, _: Curvature) -> tuple[Buffer, ...]:
    """The mean over the units of every vertex, one number a sample: finite where all its values are."""
    low.emitter.sweep("means of the layers")
    outs = []
    for v in low.network.vertices:
        name = G.of(v.name).code
        src = low.emitter.buffer(low.emitter.named(low.g[v.name] / v.units, f"{name}_part"))
        out = low.emitter.new(_result(f"mean_{name}"), ROW)
        low.emitter.emit(Reduce(out=out, src=src, axis=1))
        outs.append(out)
    return tuple(outs)


def _score(low: Lowering, _: Curvature) -> tuple[Buffer, ...]:
    source = low.network.input
    value = -backward(low)[source.name]
    return (low.emitter.fill(_result("score"), Layout(batch=True, units=source.shape), value),)


def _hessian_diagonal(low: Lowering, curvature: Curvature) -> tuple[Buffer, ...]:
    curvature.backward()
    layout = Layout(batch=True, units=low.network.input.shape)
    return (low.emitter.fill(_result("hessian_diagonal"), layout, curvature.diagonal()),)


def _losses(low: Lowering, curvature: Curvature, function: Function, lam: sp.Expr) -> tuple[Buffer, ...]:
    """K = ½ Σ δ_in², L and J = K + L, means over the batch in float64, and the gradients that are asked for.

    The gradient of J is one merged sweep ([+] 1): every sweep is linear in the adjoints. Those of K and of L are the
    source's separate sweeps.
    """
    delta = curvature.backward()
    low.emitter.sweep("loss")
    x = low.network.input
    k = low.emitter.mean_sum(delta[x.name] ** 2, x.units, Name("sum_delta_squared")) / 2
    values = {"K": k, "L": curvature.loss(lam)}
    results = []
    for code in function.results:
        value = values[code] if code in values else values["K"] + values["L"]
        results.append(low.emitter.fill(_result(code), SCALAR, value, kind="accumulator"))
        values[code] = results[-1].symbol
    gradients = [g for code in function.gradients for g in _gradient(low, curvature, ADJOINTS[code], delta, lam)]
    return (*results, *gradients)


def _gradient(low: Lowering, curvature: Curvature, adjoint: Adjoint, delta: Values, lam: sp.Expr) -> tuple[Buffer, ...]:
    """The adjoint sweeps of one term: K and J start from ∂/∂δ_in = δ_in, L and J from the mode's ∂L."""
    start = sp.S.Zero if adjoint is L else delta[low.network.input.name]
    if adjoint is not K:
        curvature.start(adjoint, lam)
    term = Flat() if adjoint is K else curvature
    mu = adjoint_forward(low, adjoint, start, term)
    return tuple(adjoint_backward(low, adjoint, delta, mu, term).values())


BODIES: Final[Mapping[Function, Body]] = {
    ENERGY: _energy,
    SCORE: _score,
    HESSIAN_DIAGONAL: _hessian_diagonal,
    LAYER_MEANS: _layer_means,
}
"""Of the functions without a loss."""
