"""How good a learned density is: losses on held-out samples, scores, normalisers, anomalies, and samples next to data.

All functions take arrays, or a `smgen.density.Density`; they need NumPy alone.
"""

from smgen.evaluation.ais import AnnealedImportance, log_normaliser_ais
from smgen.evaluation.energy_distance import EnergyDistance, energy_distance_test
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.estimate import Estimate
from smgen.evaluation.fisher import FisherDivergence, fisher_divergence
from smgen.evaluation.held_out import HeldOut, held_out
from smgen.evaluation.moments import Compared, Difference, Moments, moments
from smgen.evaluation.quadrature import Quadrature, log_normaliser_quadrature
from smgen.evaluation.roc import Auc, auc
from smgen.evaluation.traces import TraceEstimate, TraceGap, gap, hutchinson_trace

__all__ = [
    "AnnealedImportance",
    "Auc",
    "Compared",
    "Difference",
    "EnergyDistance",
    "Estimate",
    "EvaluationError",
    "FisherDivergence",
    "HeldOut",
    "Moments",
    "Quadrature",
    "TraceEstimate",
    "TraceGap",
    "auc",
    "energy_distance_test",
    "fisher_divergence",
    "gap",
    "held_out",
    "hutchinson_trace",
    "log_normaliser_ais",
    "log_normaliser_quadrature",
    "moments",
]
