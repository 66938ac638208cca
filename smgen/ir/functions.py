"""The functions of a generated module as records: the results of each, and its λ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from smgen.objectives import HYVARINEN, OBJECTIVES, Objective

Lam: TypeAlias = Literal["none", "zero", "any"]
"""The λ of the loss that a function computes: none without a loss, zero for the shorter path, any for an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: its results, followed by the gradients of the losses `gradients`, one a parameter.

    `results` are terms of the objective, or their sum J, as means over the batch. Without an objective they are arrays
    with a row for each sample.
    """

    base: str
    summary: str
    results: tuple[str, ...]
    gradients: tuple[str, ...] = ()
    lam: Lam = "none"
    objective: Objective | None = None

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


ENERGY: Final = Function(base="energy", summary="E, (N,)", results=("energy",))
SCORE: Final = Function(base="score", summary="−δ at the input, (N, D)", results=("score",))
HESSIAN_DIAGONAL: Final = Function(
    base="hessian_diagonal", summary="δ′ at the input, (N, D)", results=("hessian_diagonal",)
)
LAYER_MEANS: Final = Function(
    base="layer_means",
    summary="the mean over the units of each layer, (N,) each: they show which one overflows",
    results=("means",),
)
_LAMS: Final[tuple[Lam, ...]] = ("any", "zero")


def step_of(objective: Objective, lam: Lam) -> Function:
    """The function that a step of training calls."""
    return Function(
        base=f"{objective.prefix}loss_and_grad",
        summary="J and its gradient: the merged sweep",
        results=("J",),
        gradients=("J",),
        lam=lam,
        objective=objective,
    )


def losses_of(objective: Objective) -> Iterator[Function]:
    """The functions of an objective, each for any λ and for λ = 0."""
    letters = objective.letters
    terms = Function(
        base=f"{objective.prefix}loss_terms",
        summary=f"{', '.join(letters)} and J, means over the batch",
        results=(*letters, "J"),
        objective=objective,
    )
    separate = Function(
        base=f"{objective.prefix}loss_and_grad_terms",
        summary=f"{', '.join(letters)} and the gradient of each: the source's separate sweeps",
        results=letters,
        gradients=letters,
        objective=objective,
    )
    for function in (terms, step_of(objective, "any"), separate):
        for lam in _LAMS:
            yield replace(function, lam=lam)


def functions() -> tuple[Function, ...]:
    """Every function of a module, in the order they appear there."""
    losses = (function for objective in OBJECTIVES.values() for function in losses_of(objective))
    return (ENERGY, SCORE, HESSIAN_DIAGONAL, *losses, LAYER_MEANS)


STEPS: Final[Mapping[Lam, Function]] = {lam: step_of(HYVARINEN, lam) for lam in ("zero", "any")}
"""The functions that a step of score matching calls, by λ."""
