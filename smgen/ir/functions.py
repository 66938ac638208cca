"""The functions of a generated module as records: what each returns, of which loss, from which arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from smgen.objectives import (
    ENERGY_SUM,
    HESSIAN_PRODUCT,
    HYVARINEN,
    LAPLACIAN_SUM,
    SAMPLE_WEIGHTS,
    SCORE_PRODUCT,
    WEIGHTS,
    Given,
    Objective,
)

Lam: TypeAlias = Literal["none", "zero", "any"]
"""The λ of the loss that a function computes: none without a loss, zero for the shorter path, any for an argument."""

Weighing: TypeAlias = Literal["none", "samples", "entries"]
"""What has weights in a loss: nothing, each sample, or each entry of x of each sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: its results, then the gradients of `gradients` by all parameters, then the derivative by x.

    `results` are arrays with a row for each sample, or terms of the objective or their sum J: means over the batch, or
    the values of each sample. `gradients` are terms too, and `by_x` is the term whose derivative by x comes last. What
    is `curved` computes δ′. `is_general` is the variant of a loss that weighs each entry and has ∂/∂x.
    """

    base: str
    summary: str
    results: tuple[str, ...]
    gradients: tuple[str, ...] = ()
    by_x: str = ""
    lam: Lam = "none"
    objective: Objective | None = None
    weighing: Weighing = "none"
    each: bool = False
    curved: bool = True
    is_general: bool = False

    @property
    def name(self) -> str:
        """The name in generated code."""
        return f"{self.base}{'_general' * self.is_general}{'_lam0' * (self.lam == 'zero')}"

    @property
    def label(self) -> str:
        """The name in tables."""
        base = f"{self.base}{', general' * self.is_general}"
        return f"{base}, λ = 0" if self.lam == "zero" else base

    @property
    def given(self) -> tuple[Given, ...]:
        """The arrays that it takes besides x."""
        weights = {"none": (), "samples": (SAMPLE_WEIGHTS,), "entries": (WEIGHTS,)}[self.weighing]
        return (*(self.objective.given if self.objective is not None else ()), *weights)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The results that are one number for the batch."""
        if self.each or self.objective is None:
            return ()
        return tuple(name for name in self.results if name not in ARRAYS)

    @property
    def rows(self) -> tuple[str, ...]:
        """The results that have a row for each sample."""
        return tuple(name for name in self.results if name not in self.numbers)

    @property
    def has_laplacian(self) -> bool:
        """Whether the Laplacian is a result, so that only the sum of δ′ is read."""
        return "laplacian" in self.results

    @property
    def is_loss(self) -> bool:
        """Whether it returns means over the batch."""
        return self.objective is not None and self.objective.total == "mean" and not self.each


ARRAYS: Final = frozenset({"energy", "score", "hessian_diagonal", "laplacian", "hessian", "means"})
"""Results that are no terms of an objective."""

ENERGY: Final = Function(base="energy", summary="E, (N,)", results=("energy",), curved=False)
SCORE: Final = Function(base="score", summary="−δ at the input, (N, D)", results=("score",), curved=False)
ENERGY_AND_SCORE: Final = Function(
    base="energy_and_score", summary="E, (N,), and −δ at the input, (N, D)", results=("energy", "score"), curved=False
)
HESSIAN_DIAGONAL: Final = Function(
    base="hessian_diagonal", summary="δ′ at the input, (N, D)", results=("hessian_diagonal",)
)
LAPLACIAN: Final = Function(base="laplacian", summary="Δ = Σ_d δ′_d, (N,)", results=("laplacian",), each=True)
SCORE_AND_LAPLACIAN: Final = Function(
    base="score_and_laplacian",
    summary="−δ at the input, (N, D), and Δ = Σ_d δ′_d, (N,)",
    results=("score", "laplacian"),
    each=True,
)
LAPLACIAN_AND_GRAD: Final = Function(
    base="laplacian_and_grad",
    summary="T = Σ_n w_n Δ_n, with Δ = Σ_d δ′_d, and its gradient",
    results=("T",),
    gradients=("T",),
    lam="any",
    objective=LAPLACIAN_SUM,
    weighing="samples",
)
HVP: Final = Function(
    base="hvp",
    summary="H v, (N, D)",
    results=(),
    by_x="S",
    lam="any",
    objective=HESSIAN_PRODUCT,
    curved=False,
)
HESSIAN: Final = Function(base="hessian", summary="H = ∂²E/∂x∂x, (N, D, D)", results=("hessian",), curved=False)
SCORE_VJP: Final = Function(
    base="score_vjp",
    summary="the gradient of S = Σ_n v_nᵀ score_n, and its derivative by x, (N, D)",
    results=(),
    gradients=("S",),
    by_x="S",
    lam="any",
    objective=SCORE_PRODUCT,
    curved=False,
)
ENERGY_AND_GRAD: Final = Function(
    base="energy_and_grad",
    summary="Σ_n w_n E_n and its gradient",
    results=("E",),
    gradients=("E",),
    lam="any",
    objective=ENERGY_SUM,
    weighing="samples",
    curved=False,
)
LAYER_MEANS: Final = Function(
    base="layer_means",
    summary="the mean over the units of each layer, (N,) each: they show which one overflows",
    results=("means",),
    curved=False,
)
DERIVATIVES: Final = (
    ENERGY_AND_SCORE, LAPLACIAN, SCORE_AND_LAPLACIAN, HVP, HESSIAN, SCORE_VJP, ENERGY_AND_GRAD, LAPLACIAN_AND_GRAD,
)  # fmt: skip
"""Derivatives as products, in the order of a module."""


def lams_of(objective: Objective) -> tuple[Lam, ...]:
    """The variants of its functions: for any λ and for λ = 0 if it has a λ."""
    return ("any", "zero") if objective.takes_lam else ("any",)


def _of(objective: Objective, lam: Lam, base: str, summary: str, results: tuple[str, ...]) -> Function:
    """A function of an objective, without gradients."""
    return Function(
        base=f"{objective.prefix}{base}",
        summary=summary,
        results=results,
        lam=lam,
        objective=objective,
        # Data that come with x may decide how much a sample counts.
        weighing="samples" if objective.given else "none",
        curved=objective.is_curved,
    )


def step_of(objective: Objective, lam: Lam) -> Function:
    """The function that a step of training calls."""
    sweeps = "the sweeps of all terms at once" if objective.has_terms else "one merged sweep"
    function = _of(objective, lam, "loss_and_grad", f"J and its gradient: {sweeps}", ("J",))
    return replace(function, gradients=("J",))


def terms_of(objective: Objective, lam: Lam) -> Function:
    """The terms and J, or J alone where there is one term."""
    if not objective.has_terms:
        return _of(objective, lam, "loss", "J, the mean over the batch", ("J",))
    letters = objective.letters
    return _of(objective, lam, "loss_terms", f"{', '.join(letters)} and J, means over the batch", (*letters, "J"))


def separate_of(objective: Objective, lam: Lam) -> Function:
    """The terms and the gradient of each."""
    letters = objective.letters
    summary = f"{', '.join(letters)} and the gradient of each: the source's separate sweeps"
    return replace(_of(objective, lam, "loss_and_grad_terms", summary, letters), gradients=letters)


def each_of(objective: Objective, lam: Lam) -> Function:
    """The terms and J of each sample."""
    letters = (*objective.letters, "J") if objective.has_terms else ("J",)
    return replace(_of(objective, lam, "losses", f"{', '.join(letters)} of each sample, (N,)", letters), each=True)


def general(function: Function) -> Function:
    """The variant of a loss with a weight for each entry, and with the derivative by x if it has a gradient of J."""
    by_x = "J" if function.gradients == ("J",) else ""
    return replace(function, weighing="entries", is_general=True, by_x=by_x)


@dataclass(frozen=True, slots=True)
class Steps:
    """The functions of a loss by λ, the general ones last."""

    by_lam: Mapping[Lam, Function]
    general: Mapping[Lam, Function]

    @property
    def all(self) -> Iterator[Function]:
        """Each of them. The general one for λ = 0 is of use only where there is no other."""
        yield from self.by_lam.values()
        yield from self.general.values()


def steps_of(objective: Objective, lams: tuple[Lam, ...] | None = None) -> dict[str, Steps]:
    """The functions of an objective by what they are: terms, each sample, step, separate."""
    makers = {"terms": terms_of, "each": each_of, "step": step_of}
    if objective.has_terms:
        makers["separate"] = separate_of
    found = {}
    for kind, make in makers.items():
        by_lam = {lam: make(objective, lam) for lam in lams_of(objective)}
        weighed = {} if kind == "terms" else {lam: general(function) for lam, function in by_lam.items()}
        found[kind] = Steps(by_lam, weighed)
    return found


STEPS: Final[Mapping[Lam, Function]] = {lam: step_of(HYVARINEN, lam) for lam in ("zero", "any")}
"""The functions that a step of score matching calls, by λ."""
