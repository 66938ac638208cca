"""The loss of score matching on samples that were not learned from, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from smgen.evaluation.arguments import values
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.estimate import Estimate, mean

DOMINANT: Final = 0.25
"""One sample dominates if it has more of the variance than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """J = K + L on held-out samples. The errors say how far other samples of this number may lie.

    Where `dominated`, they say too little: the variance rests on one sample, as when it is infinite. (The share of the
    largest square falls to 0 as N grows if and only if the variance is finite; Embrechts, Klüppelberg and Mikosch,
    Modelling Extremal Events, 1997, section 6.2.6.) More samples, or λ > 0, tell.
    """

    J: Estimate
    K: Estimate
    L: Estimate
    samples: int
    largest_share: float  # of Σ_n (J_n − J)², the part of the sample that has most; 0 if all J_n are equal
    largest_sample: int  # its row
    dominated: bool  # whether that part is above DOMINANT


def held_out(losses_K: object, losses_L: object) -> HeldOut:
    """J = K + L, K and L as means over samples with standard errors std/√N, from K_n and L_n of each sample, (N,).

    The error of J is that of K_n + L_n: the two terms are not independent. To compare models a and b on the same
    samples, give the differences, `held_out(K_a − K_b, L_a − L_b)`: their error is smaller than that of either.
    """
    K = values("held_out(losses_K)", losses_K, least=2)
    L = values("held_out(losses_L)", losses_L, least=2)
    if len(K) != len(L):
        what = f"{len(K)} values of K and {len(L)} of L"
        raise EvaluationError(origin="held_out", what=what, hint="give both terms of the same samples, in one order")
    J = K + L
    squares = (J - J.mean()) ** 2
    largest = int(squares.argmax())
    share = float(squares[largest] / squares.sum()) if np.ptp(J) > 0 else 0.0
    return HeldOut(
        J=mean(J),
        K=mean(K),
        L=mean(L),
        samples=len(J),
        largest_share=share,
        largest_sample=largest,
        dominated=share > DOMINANT,
    )
