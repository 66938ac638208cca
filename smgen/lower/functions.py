"""The sweeps of each function of the generated module. They are the same in every hessian mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import sympy as sp

from smgen.ir import LAMBDA, Buffer, Function, Schedule
from smgen.lower.hessian_state import HessianState, Values
from smgen.lower.losses import Losses
from smgen.lower.no_hessian import OnlyDelta
from smgen.lower.results import WITHOUT_DELTA, array_results
from smgen.lower.values import Lowering
from smgen.network import Network
from smgen.objectives import X

Begin: TypeAlias = Callable[[Lowering, sp.Expr | None], HessianState]
"""Makes the mode's state for one function; λ is None for functions without a loss."""


def schedule(network: Network, function: Function, begin: Begin, arguments: tuple[Buffer, ...] = ()) -> Schedule:
    """The schedule of one function. `arguments` are the mode's own, besides x, what is given, λ and the parameters."""
    objective = function.objective
    lowering = Lowering(
        network=network,
        arguments=arguments,
        given=function.given,
        place=X if objective is None else objective.place,
        weighted_energy=objective is not None and objective.total == "sum" and function.curved,
        each=function.each,
    )
    lam = {"none": None, "zero": sp.S.Zero, "any": LAMBDA.symbol}[function.lam]
    hessian = begin(lowering, lam)
    lowering.forward()
    delta: Values = {} if set(function.results) <= WITHOUT_DELTA and objective is None else hessian.backward()
    outputs = array_results(lowering, function, hessian, delta)
    if objective is not None and lam is not None:
        losses = Losses(
            lowering=lowering, hessian=hessian, function=function, objective=objective, lam=lam, delta=delta
        )
        outputs = (*outputs, *losses.outputs())
    return finished(lowering, function, outputs)


def without_delta_prime(network: Network, function: Function) -> Schedule:
    """The schedule of a function that is not curved: it is the same in every mode."""
    return schedule(network, function, lambda lowering, lam: OnlyDelta(lowering))


def finished(lowering: Lowering, function: Function, outputs: tuple[Buffer, ...]) -> Schedule:
    """What has been written, as a schedule."""
    return Schedule(
        function=function,
        inputs=lowering.emitter.inputs,
        sweeps=lowering.emitter.finished(),
        outputs=outputs,
        fingerprint=lowering.network.fingerprint,
    )
