"""How good a trained model is: its loss on samples that it did not learn from, and what else can be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from smgen.data.batches import Batch, some_rows
from smgen.density import Density
from smgen.errors import BuildError
from smgen.evaluation import (
    AnnealedImportance,
    Auc,
    EnergyDistance,
    Estimate,
    EvaluationError,
    FisherDivergence,
    HeldOut,
    Moments,
    Quadrature,
    TraceGap,
    auc,
    energy_distance_test,
    fisher_divergence,
    gap,
    held_out,
    hutchinson_trace,
    log_normaliser_ais,
    log_normaliser_quadrature,
    moments,
)
from smgen.evaluation.estimate import mean
from smgen.models import Model
from smgen.models.device import all_placed, on_host, placed
from smgen.objectives import HYVARINEN
from smgen.training.problem import Problem
from smgen.training.settings import Settings

Array = npt.NDArray[Any]
Measured = TypeVar("Measured")

QUADRATURE: Final = 3
"""The most dimensions in which a density is normalised by quadrature."""

GAP: Final = 1000
"""The most samples at which the recursion is compared with random probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was measured on samples; None for what could not be, or was not asked for.

    `loss` is the mean of the objective that the model was trained for, at λ = 0; `terms` has K and L of Hyvärinen's
    loss. `gap` compares δ′ of the module with the Hessian by random probes. `log_likelihood` is the mean of log p in
    the coordinates of the data, with log Z by quadrature or annealed importance sampling (`normaliser` says which).
    """

    samples: int
    objective: str
    loss: Estimate
    terms: HeldOut | None = None
    gap: TraceGap | None = None
    fisher: FisherDivergence | None = None
    log_z: Estimate | None = None
    log_likelihood: Estimate | None = None
    normaliser: Quadrature | AnnealedImportance | None = None
    anomalies: Auc | None = None
    moments: Moments | None = None
    distance: EnergyDistance | None = None

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """What was measured, its value, and what it means."""
        yield (
            f"{self.objective} loss, held out",
            str(self.loss),
            "lower is better, on the same data and scale",
        )
        if self.terms is not None:
            yield "K = ½ Σ δ²", str(self.terms.K), ""
            note = "one sample dominates: the errors are too small" if self.terms.dominated else ""
            yield "L = −Σ δ′", str(self.terms.L), note
        if self.gap is not None:
            yield "δ′ against random probes", f"{100 * self.gap.bias.value:.3g} %", self.gap.verdict
        if self.fisher is not None:
            yield "relative error of the score", str(self.fisher.relative), "Σ ‖ŝ − s‖² / Σ ‖s‖²"
            yield "Fisher divergence", str(self.fisher.divergence), "½ E ‖ŝ − s‖²"
        if self.log_likelihood is not None:
            yield "log p, mean", str(self.log_likelihood), self._normaliser_text()
        if self.anomalies is not None:
            yield "AUC against the anomalies", str(self.anomalies.area), "½ is chance, 1 tells all apart"
        if self.distance is not None:
            text = "no difference from the data is seen" if self.distance.p_value > 0.05 else "the samples differ"
            yield (
                "energy distance, samples to data",
                f"{self.distance.distance:.3g}",
                f"p = {self.distance.p_value:.3g}: {text}",
            )
        if self.moments is not None:
            far = abs(self.moments.worst.errors) > self.moments.chance
            yield (
                "moments, the worst",
                f"{self.moments.worst.errors:+.1f} errors",
                f"{self.moments.worst}{'' if far else ': chance'}",
            )

    def _normaliser_text(self) -> str:
        if isinstance(self.normaliser, Quadrature):
            return "normalised by quadrature" + (
                "; mass is missing at the edge" if self.normaliser.edge_warning else ""
            )
        if self.normaliser is None:
            return ""
        return "log Z by annealed importance sampling" + ("" if self.normaliser.reliable else ": NOT reliable")

    def facts(self) -> dict[str, Any]:
        """Everything as JSON, without arrays."""
        return {name: _plain(value) for name, value in asdict(replace(self, normaliser=None, moments=None)).items()} | {
            "normaliser": None if self.normaliser is None else self._normaliser_text(),
            "worst_moment": None if self.moments is None else str(self.moments.worst),
        }


def evaluate(
    model: Model,
    data: Any,
    *,
    conditions: Mapping[str, Any] | None = None,
    true_score: Any = None,
    anomalies: Any = None,
    samples: Any = None,
    normalise: bool | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure a model on samples (N, …) that it did not learn from.

    `true_score` (N, …) gives the Fisher divergence, `anomalies` (M, …) the area under the ROC curve of the energy,
    `samples` (of the model) moments and the energy distance. With `normalise` log p is computed: in up to three
    dimensions by quadrature, else by annealed importance sampling; None stands for up to three dimensions only.
    `conditions` are one for each sample, or one for all. Raises `SmgenError` and `ValueError` for wrong arguments.
    """
    x = np.asarray(data)
    z = model.inner(x)
    given, problem = model.checked(conditions or {}), _problem(model)
    full = {name: model.for_each(name, value, len(z)) for name, value in given.items()}
    if lacking := [name for name in problem.conditions if name not in full]:
        what = f"the conditions of the samples are missing: {', '.join(lacking)}"
        raise BuildError(what=what, hint="one for each sample, or one for all")
    batch = Batch(z.reshape(len(z), *model.record.shape), {n: v for n, v in full.items() if n in problem.conditions})
    losses = problem.true_losses(model.params, batch)
    if any(name not in full for name in model.conditions):  # noise levels that the loss draws: there is no one density
        return Evaluation(samples=len(z), objective=problem.objective.name, loss=mean(losses))
    density = model.density(**given)
    terms = None
    if problem.objective.name == HYVARINEN.name:
        K = 0.5 * (density.score(z).astype(np.float64) ** 2).sum(axis=1)
        terms = _if_possible(lambda: held_out(K, losses - K))
    one_for_all = all(model.is_one(name, value) for name, value in given.items())
    quadrature = density.dimension <= QUADRATURE and one_for_all
    normaliser: Quadrature | AnnealedImportance | None = None
    if normalise or (normalise is None and quadrature):
        if not one_for_all:
            raise BuildError(what="normalise: a density for each condition", hint="give one condition for all samples")
        if normalise:
            normaliser = _normaliser(model, density, z, seed)
        else:
            normaliser = _if_possible(lambda: _normaliser(model, density, z, seed))
    likelihood = None if normaliser is None else _likelihood(model, density.energy(z), normaliser.log_z)
    rows = model.outer(z).reshape(len(z), -1)  # what the transform leaves of the data, as samples have it
    drawn = None if samples is None else np.asarray(samples).reshape(len(samples), -1)
    return Evaluation(
        samples=len(z),
        objective=problem.objective.name,
        loss=mean(losses),
        terms=terms,
        gap=_if_possible(lambda: _gap(model, problem, batch)),
        fisher=None if true_score is None else _fisher(model, x, given, true_score),
        log_z=None if normaliser is None else normaliser.log_z,
        log_likelihood=likelihood,
        normaliser=normaliser,
        anomalies=None if anomalies is None else _auc(model, x, anomalies, given),
        moments=None if drawn is None else moments(drawn, rows),
        distance=None if drawn is None else energy_distance_test(drawn, rows, seed=seed),
    )


def _problem(model: Model) -> Problem:
    sigma = model.record.training.get("sigma")
    settings = Settings(sigma=tuple(sigma) if isinstance(sigma, list) else sigma)
    return Problem.of(model.needs_module(), settings, model.record.objective)


def _gap(model: Model, problem: Problem, batch: Batch) -> TraceGap | None:
    module = model.needs_module()
    if not problem.objective.is_curved or problem.takes_probes or not hasattr(module, "hessian_diagonal"):
        return None
    few = some_rows(batch, slice(GAP))
    params, given = all_placed(module, model.params), all_placed(module, few.conditions)
    own = on_host(module.hessian_diagonal(params, placed(module, few.x), **given)).reshape(len(few.x), -1).sum(axis=1)
    return gap(own, hutchinson_trace(model.density(**few.conditions), few.x.reshape(len(few.x), -1), probes=8))


def _auc(model: Model, x: Array, anomalies: Any, given: Mapping[str, Any]) -> Auc:
    return auc(model.energy(x, **given), model.energy(np.asarray(anomalies), **given))


def _fisher(model: Model, x: Array, given: Mapping[str, Any], true_score: Any) -> FisherDivergence:
    """In the coordinates of the data."""
    own = model.score(x, **given).reshape(len(x), -1)
    truth = true_score(x) if callable(true_score) else true_score
    density = Density(dimension=own.shape[1], energy=lambda rows: model.energy(rows, **given), score=lambda _: own)
    return fisher_divergence(density, x.reshape(len(x), -1), np.asarray(truth).reshape(len(x), -1))


def _likelihood(model: Model, energies: Array, log_z: Estimate) -> Estimate:
    """The mean of log p(x) = −E(z) − log Z + log of the volume; the errors of both are independent."""
    own = mean(-np.asarray(energies, np.float64))
    error = float(np.hypot(own.error, log_z.error))
    return Estimate(own.value - log_z.value + model.transform.log_volume, error)


def _normaliser(model: Model, density: Density, z: Array, seed: int) -> Quadrature | AnnealedImportance:
    """log Z by quadrature or by sampling, within the bounds of the objective."""
    domain = model.domain
    if density.dimension > QUADRATURE:
        if domain is not None:
            what = f"normalise: of a density within bounds in {density.dimension} dimensions"
            raise BuildError(what=what, hint=f"it is done up to {QUADRATURE} dimensions")
        return log_normaliser_ais(density, data=z, rng=seed)
    if domain is None:
        return log_normaliser_quadrature(density, data=z)
    reach = z.max(axis=0) - z.min(axis=0)
    low = z.min(axis=0) - 4 * reach if domain[0] is None else np.full(density.dimension, domain[0])
    high = z.max(axis=0) + 4 * reach if domain[1] is None else np.full(density.dimension, domain[1])
    return log_normaliser_quadrature(density, data=z, bounds=np.stack([low, high], axis=1))


def _if_possible(measure: Callable[[], Measured]) -> Measured | None:
    """A measurement that nobody asked for by name; None where the samples do not allow it."""
    try:
        return measure()
    except EvaluationError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return value if not isinstance(value, float) or isfinite(value) else str(value)
