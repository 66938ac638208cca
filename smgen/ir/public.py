"""What users of a module call, and the functions that each of it runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from smgen.ir.functions import (
    DERIVATIVES,
    ENERGY,
    HESSIAN_DIAGONAL,
    LAYER_MEANS,
    SCORE,
    Function,
    steps_of,
)
from smgen.objectives import HYVARINEN, Objective


@dataclass(frozen=True, slots=True)
class PublicFunction:
    """What users call: its name, and the functions that it runs. A module has it without being asked if `is_usual`."""

    name: str
    runs: tuple[Function, ...]
    is_usual: bool = True

    @property
    def only(self) -> Function:
        """The one function that it runs."""
        (function,) = self.runs
        return function


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLosses:
    """What users call of an objective."""

    objective: Objective
    loss: PublicFunction
    each: PublicFunction
    step: PublicFunction
    terms: PublicFunction | None = None
    separate: PublicFunction | None = None

    @property
    def all(self) -> tuple[PublicFunction, ...]:
        """In the order in which they appear in a module."""
        known = (self.loss, self.terms, self.each, self.step, self.separate)
        return tuple(function for function in known if function is not None)


def public_losses(objective: Objective) -> PublicLosses:
    """J alone, its terms and J of each sample; the gradient of J, and those of the terms.

    With weights, the mean is that of the values of each sample.
    """
    steps, prefix = steps_of(objective), objective.prefix
    values = (*steps["terms"].all, *steps["each"].all)
    return PublicLosses(
        objective=objective,
        loss=PublicFunction(f"{prefix}loss", values),
        each=PublicFunction(f"{prefix}losses", tuple(steps["each"].all)),
        step=PublicFunction(f"{prefix}loss_and_grad", tuple(steps["step"].all)),
        terms=PublicFunction(f"{prefix}loss_terms", values) if objective.has_terms else None,
        separate=PublicFunction(f"{prefix}loss_and_grad_terms", tuple(steps["separate"].all))
        if objective.has_terms
        else None,
    )


PUBLIC_ENERGY, PUBLIC_SCORE, PUBLIC_HESSIAN_DIAGONAL = (
    PublicFunction(function.base, (function,)) for function in (ENERGY, SCORE, HESSIAN_DIAGONAL)
)
PUBLIC_DERIVATIVES: Final = tuple(PublicFunction(f.base, (f,), is_usual=False) for f in DERIVATIVES)
USUAL: Final = (HYVARINEN,)
"""The objectives of a module for which none is chosen."""


def public_functions(objectives: Iterable[Objective] = USUAL) -> tuple[PublicFunction, ...]:
    """Everything that a module with these objectives can have, in the order in which it appears there."""
    losses = (public for objective in objectives for public in public_losses(objective).all)
    return (PUBLIC_ENERGY, PUBLIC_SCORE, PUBLIC_HESSIAN_DIAGONAL, *PUBLIC_DERIVATIVES, *losses)


def usual_functions(objectives: Iterable[Objective] = USUAL) -> tuple[PublicFunction, ...]:
    """What a module with these objectives has if no functions are chosen: δ′ only if a loss has it."""
    objectives = tuple(objectives)
    curved = any(objective.is_curved for objective in objectives)
    return tuple(
        public
        for public in public_functions(objectives)
        if public.is_usual and (curved or public != PUBLIC_HESSIAN_DIAGONAL)
    )


def functions_for(chosen: Collection[PublicFunction]) -> tuple[Function, ...]:
    """What these run, in order, and the means of the layers, which a report of an overflow takes."""
    return (*dict.fromkeys(function for public in chosen for function in public.runs), LAYER_MEANS)
