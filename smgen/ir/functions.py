"""The functions of a generated module as records: the results of each, and its λ; and those that users call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from smgen.objectives import HYVARINEN, OBJECTIVES, Objective

Lam: TypeAlias = Literal["none", "zero", "any"]
"""The λ of the loss that a function computes: none without a loss, zero for the shorter path, any for an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: its results, followed by the gradients of the losses `gradients`, one a parameter.

    `results` are terms of the objective, or their sum J, as means over the batch. Without an objective they are arrays
    with a row for each sample. A function that is `curved` computes δ′.
    """

    base: str
    summary: str
    results: tuple[str, ...]
    gradients: tuple[str, ...] = ()
    lam: Lam = "none"
    objective: Objective | None = None
    curved: bool = True

    @property
    def name(self) -> str:
        """The name in generated code."""
        return f"{self.base}_lam0" if self.lam == "zero" else self.base

    @property
    def label(self) -> str:
        """The name in tables."""
        return f"{self.base}, λ = 0" if self.lam == "zero" else self.base

    @property
    def is_loss(self) -> bool:
        """Whether the results are losses, which are numbers, instead of a row for each sample."""
        return self.objective is not None


ENERGY: Final = Function(base="energy", summary="E, (N,)", results=("energy",), curved=False)
SCORE: Final = Function(base="score", summary="−δ at the input, (N, D)", results=("score",), curved=False)
HESSIAN_DIAGONAL: Final = Function(
    base="hessian_diagonal", summary="δ′ at the input, (N, D)", results=("hessian_diagonal",)
)
LAYER_MEANS: Final = Function(
    base="layer_means",
    summary="the mean over the units of each layer, (N,) each: they show which one overflows",
    results=("means",),
    curved=False,
)
_LAMS: Final[tuple[Lam, ...]] = ("any", "zero")


def step_of(objective: Objective, lam: Lam) -> Function:
    """The function that a step of training calls."""
    return Function(
        base=f"{objective.prefix}loss_and_grad",
        summary="J and its gradient: the sweeps of all terms at once",
        results=("J",),
        gradients=("J",),
        lam=lam,
        objective=objective,
    )


def _terms_of(objective: Objective, lam: Lam) -> Function:
    return Function(
        base=f"{objective.prefix}loss_terms",
        summary=f"{', '.join(objective.letters)} and J, means over the batch",
        results=(*objective.letters, "J"),
        lam=lam,
        objective=objective,
    )


def _separate_of(objective: Objective, lam: Lam) -> Function:
    return Function(
        base=f"{objective.prefix}loss_and_grad_terms",
        summary=f"{', '.join(objective.letters)} and the gradient of each: the source's separate sweeps",
        results=objective.letters,
        gradients=objective.letters,
        lam=lam,
        objective=objective,
    )


def losses_of(objective: Objective) -> Iterator[Function]:
    """The functions of an objective, each for any λ and for λ = 0."""
    for function_of in (_terms_of, step_of, _separate_of):
        for lam in _LAMS:
            yield function_of(objective, lam)


def functions() -> tuple[Function, ...]:
    """Every function of a module, in the order they appear there."""
    losses = (function for objective in OBJECTIVES.values() for function in losses_of(objective))
    return (ENERGY, SCORE, HESSIAN_DIAGONAL, *losses, LAYER_MEANS)


@dataclass(frozen=True, slots=True)
class PublicFunction:
    """What users call: its name, and the functions that it runs, by λ."""

    name: str
    runs: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class PublicLosses:
    """What users call of an objective."""

    loss: PublicFunction
    terms: PublicFunction
    step: PublicFunction
    separate: PublicFunction

    @property
    def all(self) -> tuple[PublicFunction, ...]:
        """In the order in which they appear in a module."""
        return self.loss, self.terms, self.step, self.separate


def public_losses(objective: Objective) -> PublicLosses:
    """J alone and the terms of the loss run the same; the gradient of J, and those of the terms, run their own."""
    terms, step, separate = (tuple(of(objective, lam) for lam in _LAMS) for of in (_terms_of, step_of, _separate_of))
    return PublicLosses(
        PublicFunction(f"{objective.prefix}loss", terms),
        *(PublicFunction(runs[0].base, runs) for runs in (terms, step, separate)),
    )


PUBLIC_ENERGY, PUBLIC_SCORE, PUBLIC_HESSIAN_DIAGONAL = (
    PublicFunction(function.base, (function,)) for function in (ENERGY, SCORE, HESSIAN_DIAGONAL)
)


def public_functions() -> tuple[PublicFunction, ...]:
    """Everything that `--functions` chooses from, in the order in which it appears in a module."""
    losses = (public for objective in OBJECTIVES.values() for public in public_losses(objective).all)
    return (PUBLIC_ENERGY, PUBLIC_SCORE, PUBLIC_HESSIAN_DIAGONAL, *losses)


def functions_for(chosen: Collection[PublicFunction]) -> tuple[Function, ...]:
    """What these run, and the means of the layers, which a report of an overflow takes; in their usual order."""
    wanted = {LAYER_MEANS, *(function for public in chosen for function in public.runs)}
    return tuple(function for function in functions() if function in wanted)


STEPS: Final[Mapping[Lam, Function]] = {lam: step_of(HYVARINEN, lam) for lam in ("zero", "any")}
"""The functions that a step of score matching calls, by λ."""
