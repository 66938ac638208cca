"""The normaliser of a density in any dimension, by annealed importance sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from smgen.density import Density
from smgen.evaluation import calls
from smgen.evaluation.annealing import annealed, pilot
from smgen.evaluation.arguments import Array, generator, rows, whole
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.estimate import Estimate, jackknife_log_mean
from smgen.evaluation.gaussians import start
from smgen.evaluation.hamiltonian import Path

ORIGIN: Final = "log_normaliser_ais"

PILOTS: Final = 64
"""The chains from which the schedule is taken."""

ENOUGH: Final = 20.0
"""An estimate is reliable only with at least so many effective chains."""

LEAST_ACCEPTANCE: Final = 0.2
"""An estimate is reliable only if chains move this often at every temperature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnealedImportance:
    """log Z and what it rests on.

    exp of `log_z` is unbiased, so that `log_z` is below log Z on average, and not above log Z + c with a probability
    of more than exp(−c). `upper` is a bound from above in the same way, if the samples are exact draws of the density
    (Grosse, Ghahramani and Adams, 2015): together they enclose log Z. Modes that no chain reached are missing from
    `log_z`, and its error does not say so; `upper` does, if exact samples come from them.
    """

    log_z: Estimate
    upper: Estimate | None  # None without exact samples
    effective: float  # (Σ w)² / Σ w², from 1 to the number of chains; of both directions, the less
    spread: float  # the standard deviation of log w over the chains that have weight
    acceptance: float  # the least mean acceptance at any temperature
    length: float  # the thermodynamic length; std(log w) is at best about length / √temperatures
    chains: int
    temperatures: int
    reliable: bool  # enough effective chains, which move, and bounds that meet within 4 errors, if there are two


def log_normaliser_ais(
    density: Density,
    *,
    data: object = None,
    mean: object = None,
    covariance: object = None,
    chains: int = 256,
    temperatures: int = 300,
    exact_samples: object = None,
    rng: Any = 0,
) -> AnnealedImportance:
    """log Z = log ∫ exp(−E(x)) dx by annealed importance sampling (Neal, 2001) from a Gaussian, (N,) chains at a time.

    The Gaussian has the mean and covariance of `data` (N, D) (variances alone for N < 5 D), or `mean` (D,) and
    `covariance`: (D, D), variances (D,), or one. In coordinates z where it is N(0, I), each chain goes from β_0 = 0
    through exp(−(1 − β) ½ ‖z‖² − β E) to β_K = 1 by Hamiltonian Monte Carlo, one trajectory at each β. Its weight is

        log w = Σ_k (β_k − β_{k−1}) (½ ‖z_{k−1}‖² − E_{k−1}),   log Z = log mean w + (D/2) log 2π + log |det L|.

    The βs and steps come from pilot chains. The error is the jackknife's over chains. It is somewhat too small, by a
    third in tests, where fewer than half of the chains are effective: log-weights are skewed then. More `temperatures`
    reduce the spread of log w, more `chains` the error. `exact_samples` (M, D), exact draws of this very density (not
    data that it was fitted to), give the upper bound; of more than `chains`, a random choice is used. `rng` is a seed
    or a Generator.
    """
    density = calls.checked(f"{ORIGIN}(density)", density)
    number = whole(f"{ORIGIN}(chains)", chains, least=2)
    intervals = whole(f"{ORIGIN}(temperatures)", temperatures, least=1)
    random = generator(f"{ORIGIN}(rng)", rng)
    exact = None
    if exact_samples is not None:
        exact = rows(f"{ORIGIN}(exact_samples)", exact_samples, columns=density.dimension, least=2)
        exact = exact[random.permutation(len(exact))[:number]]
    base = start(ORIGIN, density.dimension, data, mean, covariance)
    path = Path(density, base)
    schedule = pilot(path, PILOTS, intervals, random)
    log_weights, acceptance = annealed(path, random.standard_normal((number, density.dimension)), schedule, random)
    if np.isneginf(log_weights).all():
        what, hint = f"all {number} weights are 0", "give a mean and a covariance where exp(−E) has its mass"
        raise EvaluationError(origin=ORIGIN, what=what, hint=hint)
    log_z = _shifted(jackknife_log_mean(log_weights), base.log_z)
    upper, effective = None, _effective(log_weights)
    if exact is not None:
        reverse, least = annealed(path, base.whiten(exact), schedule, random, down=True)
        if not np.isfinite(reverse).all():
            what = f"have an energy of +∞ in {int((~np.isfinite(reverse)).sum())} of {len(reverse)} rows"
            hint = "they are no draws of this density: leave exact_samples= out"
            raise EvaluationError(origin=f"{ORIGIN}(exact_samples)", what=what, hint=hint)
        effective = min(effective, _effective(-reverse))
        bound = jackknife_log_mean(-reverse)
        upper, acceptance = _shifted(Estimate(-bound.value, bound.error), base.log_z), min(acceptance, least)
    meets = upper is None or abs(upper.errors_from(log_z)) <= 4
    return AnnealedImportance(
        log_z=log_z,
        upper=upper,
        effective=effective,
        spread=float(log_weights[np.isfinite(log_weights)].std()),
        acceptance=acceptance,
        length=schedule.length,
        chains=number,
        temperatures=intervals,
        reliable=effective >= ENOUGH and acceptance >= LEAST_ACCEPTANCE and meets,
    )


def _effective(log_weights: Array) -> float:
    """(Σ w)² / Σ w²."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def _shifted(estimate: Estimate, shift: float) -> Estimate:
    return Estimate(estimate.value + shift, estimate.error)
