"""What the self-test of a module checks: derivatives against the values that the module also has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from smgen.ir import (
    PUBLIC_ENERGY,
    PUBLIC_HESSIAN_DIAGONAL,
    PUBLIC_SCORE,
    PublicFunction,
    public_functions,
    public_losses,
)
from smgen.objectives import OBJECTIVES, Objective
from smgen.targets.source import WIDTH


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """A loss and its gradient by the parameters, as Python source of calls with arguments `a` and keywords `k`."""

    what: str
    value: str
    gradient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The checks of a module. A `whole` module has all functions, and its self-test is about the gradient of J.

    In others `score` is checked if it can be, and so are `gradients`; `summary` says in lines what is checked and what
    is not, `unchecked` is the latter, by function.
    """

    whole: bool
    score: bool
    gradients: tuple[GradientCheck, ...]
    summary: tuple[str, ...]
    unchecked: tuple[str, ...]

    @property
    def checks(self) -> bool:
        """Whether there is anything to check."""
        return self.score or bool(self.gradients)


def selftest(public: tuple[PublicFunction, ...], *, parameters: bool) -> SelfTest:
    """The checks of a module with these functions, whose network has `parameters` or not."""
    score = PUBLIC_ENERGY in public and PUBLIC_SCORE in public
    gradients = tuple(
        check for objective in OBJECTIVES.values() if parameters for check in _gradients(objective, public)
    )
    unchecked = tuple(_unchecked(public, parameters=parameters))
    checked = [*(["score (against energy)"] if score else []), *dict.fromkeys(check.what for check in gradients)]
    texts = [f"Checked: {', '.join(checked)}."] if checked else []
    texts += [f"Not checked: {', '.join(unchecked)}."] if unchecked else []
    return SelfTest(
        whole=public == public_functions(),
        score=score,
        gradients=gradients,
        summary=tuple(line for text in texts for line in textwrap.wrap(text, WIDTH)),
        unchecked=unchecked,
    )


def _gradients(objective: Objective, public: tuple[PublicFunction, ...]) -> Iterator[GradientCheck]:
    """The gradient of J against all that returns J; without it, each term's against the term."""
    losses = public_losses(objective)
    loss, terms, step, separate = (function.name for function in losses.all)
    if losses.step in public:
        gradient = f"{step}(*a, **k)[1]"
        if losses.loss in public:
            yield GradientCheck(f"{step} (against {loss})", f"{loss}(*a, **k)", gradient)
        if losses.terms in public:
            yield GradientCheck(f"{step} (against {terms})", f"sum(map(float, {terms}(*a, **k)))", gradient)
        if losses.loss not in public and losses.terms not in public:
            yield GradientCheck(f"{step} (against its own J)", f"{step}(*a, **k)[0]", gradient)
    if losses.separate in public:
        values, whose = (terms, terms) if losses.terms in public else (separate, "its own terms")
        count = len(objective.letters)
        for position, letter in enumerate(objective.letters):
            yield GradientCheck(
                f"{letter} of {separate} (against {whose})",
                f"{values}(*a, **k)[{position}]",
                f"{separate}(*a, **k)[{count + position}]",
            )


def _unchecked(public: tuple[PublicFunction, ...], *, parameters: bool) -> Iterator[str]:
    """Functions that nothing in the module can be compared with, and why."""
    if PUBLIC_ENERGY in public and PUBLIC_SCORE not in public:
        yield f"{PUBLIC_ENERGY.name} (there is no {PUBLIC_SCORE.name})"
    if PUBLIC_SCORE in public and PUBLIC_ENERGY not in public:
        yield f"{PUBLIC_SCORE.name} (there is no {PUBLIC_ENERGY.name})"
    if PUBLIC_HESSIAN_DIAGONAL in public:
        yield f"{PUBLIC_HESSIAN_DIAGONAL.name} (smgen check does)"
    for losses in map(public_losses, OBJECTIVES.values()):
        if not parameters:
            yield from (f"{function.name} (there are no parameters)" for function in losses.all if function in public)
            continue
        if losses.loss in public and losses.step not in public:
            yield f"{losses.loss.name} (there is no {losses.step.name})"
        if losses.terms in public and losses.step not in public and losses.separate not in public:
            yield f"{losses.terms.name} (there is no {losses.step.name})"
