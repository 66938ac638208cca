"""A number with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smgen.evaluation.arguments import Array


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard error, NaN where unknown. As text, the error has two digits: `1.234 ± 0.012`."""

    value: float
    error: float

    def errors_from(self, other: Estimate | float) -> float:
        """(a − b) / √(σ_a² + σ_b²): the difference in standard errors; ±∞ if neither has an error, 0 if a = b."""
        value, error = (other.value, other.error) if isinstance(other, Estimate) else (float(other), 0.0)
        difference, scale = self.value - value, math.hypot(self.error, error)
        if difference == 0:
            return 0.0
        return difference / scale if scale != 0 else math.copysign(math.inf, difference)

    def __str__(self) -> str:
        if not (math.isfinite(self.value) and math.isfinite(self.error)) or self.error <= 0:
            return f"{self.value:.6g} ± {self.error:.2g}"
        size = math.floor(math.log10(max(abs(self.value), self.error)))
        power = 0 if -4 <= size < 6 else size
        decimals = min(max(1 - math.floor(math.log10(self.error)) + power, 0), 17)
        text = f"{self.value / 10.0**power:.{decimals}f} ± {self.error / 10.0**power:.{decimals}f}"
        return f"({text})e{power:+03d}" if power else text


def mean(terms: Array) -> Estimate:
    """The mean of independent terms, (N,), with std/√N; the error is NaN for one term."""
    error = float(terms.std(ddof=1)) / math.sqrt(len(terms)) if len(terms) > 1 else math.nan
    return Estimate(float(terms.mean()), error)


def ratio(numerator: Array, denominator: Array) -> Estimate:
    """R = Σ a_n / Σ b_n of independent pairs, (N,) each, with its error to first order: std(a − R b) / (√N b̄).

    NaN ± NaN if Σ b_n is not positive.
    """
    total = float(denominator.sum())
    if not total > 0:
        return Estimate(math.nan, math.nan)
    value = float(numerator.sum()) / total
    residual = mean(numerator - value * denominator)
    return Estimate(value, residual.error / (total / len(denominator)))


def jackknife_log_mean(log_weights: Array) -> Estimate:
    """log (1/N) Σ exp(l_n), with the jackknife's standard error; ∞ if one weight is nearly all of the sum.

    Leaving out n leaves θ_n = log Σ_{m≠n} w_m / (N − 1), and σ² = (N − 1)/N Σ (θ_n − θ̄)² (Efron and Stein, 1981).
    The largest weights of a wide distribution are seldom among N, and σ is too small then.
    """
    count, largest = len(log_weights), float(log_weights.max())
    if not math.isfinite(largest):
        return Estimate(largest, math.nan)
    weights = np.exp(log_weights - largest)
    value = largest + math.log(float(weights.mean()))
    if count < 2:
        return Estimate(value, math.nan)
    with np.errstate(divide="ignore"):
        left_out = np.log1p(-weights / weights.sum())
    if not np.isfinite(left_out).all():
        return Estimate(value, math.inf)
    return Estimate(value, math.sqrt((count - 1) * float(left_out.var())))
