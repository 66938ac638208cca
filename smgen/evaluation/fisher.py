"""How far a model's score is from the true one, where the true one is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smgen.density import Density
from smgen.evaluation import calls
from smgen.evaluation.arguments import rows
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.estimate import Estimate, mean, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class FisherDivergence:
    """The distance between the model's score ŝ and the true score s under the distribution of the samples."""

    divergence: Estimate  # ½ E‖ŝ − s‖²
    relative: Estimate  # Σ_n ‖ŝ − s‖² / Σ_n ‖s‖²: 0 for the true score, 1 for a score of 0; NaN if s = 0 throughout
    samples: int


def fisher_divergence(density: Density, x: object, true_score: object | Callable[[Any], Any]) -> FisherDivergence:
    """½ E‖ŝ − s‖² and the relative error Σ‖ŝ − s‖² / Σ‖s‖², each with its standard error.

    x (N, D) are samples of the true distribution, `true_score` their scores ∂ log p/∂x, (N, D), or a function that
    computes them. The samples must be independent. This is what Hyvärinen's loss minimises up to a constant
    (Hyvärinen, 2005), so its values compare across models *and* across data sets, unlike J.
    """
    density = calls.checked("fisher_divergence(density)", density)
    samples = rows("fisher_divergence(x)", x, columns=density.dimension, least=2)
    truth = rows(
        "fisher_divergence(true_score)",
        true_score(samples) if callable(true_score) else true_score,
        columns=density.dimension,
    )
    if len(truth) != len(samples):
        what = f"has {len(truth)} rows for {len(samples)} samples"
        raise EvaluationError(origin="fisher_divergence(true_score)", what=what, hint="give one row a sample")
    distance = ((calls.scores(density, samples, "fisher_divergence") - truth) ** 2).sum(axis=1)
    size = (truth**2).sum(axis=1)
    return FisherDivergence(divergence=mean(distance / 2), relative=ratio(distance, size), samples=len(samples))
