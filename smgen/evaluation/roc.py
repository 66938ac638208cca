"""The area under the ROC curve of the energy as a score of anomaly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smgen.evaluation.arguments import Array, values
from smgen.evaluation.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """P(E(anomalous) > E(normal)) + ½ P(equal), with DeLong's standard error.

    At an area of 0 or 1 the error is 0: what is separated in this sample may still overlap in a larger one. (With m
    and n samples, an area of 1 excludes overlaps above about 3/min(m, n), at 95 %.)
    """

    area: Estimate
    normal: int
    anomalous: int


def auc(energy_normal: object, energy_anomalous: object) -> Auc:
    """The area under the ROC curve for energies of normal samples, (m,), and anomalous ones, (n,); +∞ is an energy.

    From ranks, ties counted half (Mann and Whitney, 1947). Its variance is var(a)/m + var(b)/n, where a_i is the part
    of anomalous energies above that of normal sample i, and b_j the part of normal energies below that of anomalous
    sample j (DeLong, DeLong and Clarke-Pearson, 1988; by ranks as in Sun and Xu, 2014). NaN if m or n is 1.
    """
    normal = values("auc(energy_normal)", energy_normal, infinite=True)
    anomalous = values("auc(energy_anomalous)", energy_anomalous, infinite=True)
    m, n = len(normal), len(anomalous)
    ranks = _mid_ranks(np.concatenate([normal, anomalous]))
    above = 1 - (ranks[:m] - _mid_ranks(normal)) / n
    below = (ranks[m:] - _mid_ranks(anomalous)) / m
    error = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n) if min(m, n) > 1 else math.nan
    return Auc(area=Estimate(float(below.mean()), error), normal=m, anomalous=n)


def _mid_ranks(numbers: Array) -> Array:
    """The ranks of the numbers from 1 on, (N,); equal ones share the mean of their ranks."""
    _, position, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[position], dtype=np.float64)
