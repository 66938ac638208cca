"""The functions of a generated module, as records: what each returns, and for which λ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

Lam: TypeAlias = Literal["none", "zero", "any"]
"""The λ of the loss that a function computes: none without a loss, zero for its shorter path, any for an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: what it returns, and of which losses it returns gradients after that, one a parameter.

    `results` are numbers, means over the batch, where there is a loss; else arrays with a row for each sample.
    """

    base: str
    summary: str
    results: tuple[str, ...]
    gradients: tuple[str, ...] = ()
    lam: Lam = "none"

    @property
    def name(self) -> str:
        """In generated code."""
        return f"{self.base}_lam0" if self.lam == "zero" else self.base

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.base}, λ = 0" if self.lam == "zero" else self.base

    @property
    def is_loss(self) -> bool:
        """Whether the results are losses: numbers, and not a row for each sample."""
        return self.lam != "none"


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
LOSS_TERMS: Final = Function(
    base="loss_terms", summary="K, L and J, means over the batch", results=("K", "L", "J"), lam="any"
)
LOSS_AND_GRAD: Final = Function(
    base="loss_and_grad", summary="J and its gradient: the merged sweep", results=("J",), gradients=("J",), lam="any"
)
LOSS_AND_GRAD_TERMS: Final = Function(
    base="loss_and_grad_terms",
    summary="K, L and the gradient of each: the source's separate sweeps",
    results=("K", "L"),
    gradients=("K", "L"),
    lam="any",
)
_LAMS: Final[tuple[Lam, ...]] = ("any", "zero")
STEPS: Final[Mapping[Lam, Function]] = {"zero": replace(LOSS_AND_GRAD, lam="zero"), "any": LOSS_AND_GRAD}
"""What a step of training calls, by λ."""

LOSSES: Final = tuple(
    replace(function, lam=lam) for function in (LOSS_TERMS, LOSS_AND_GRAD, LOSS_AND_GRAD_TERMS) for lam in _LAMS
)
FUNCTIONS: Final = (ENERGY, SCORE, HESSIAN_DIAGONAL, *LOSSES, LAYER_MEANS)
"""In the order they appear in the module."""
