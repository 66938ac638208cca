"""The trace of the energy's Hessian from the score alone, and how far another computation of it is from that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from smgen.density import Density
from smgen.evaluation import calls
from smgen.evaluation.arguments import Array, generator, rows, values, whole
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.estimate import Estimate, ratio

SIGNIFICANT: Final = 4.0
"""A gap is significant beyond this many standard errors: by chance once in 16,000 times, if errors are normal."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraceEstimate:
    """tr ∂²E/∂x² at each of N samples, estimated from `probes` random vectors each."""

    trace: Array  # (N,)
    error: Array  # (N,), the standard error that the probes leave; 0 where the Hessian is diagonal
    numerical: Array  # (N,), how much the first probe's value changes if the step is doubled: truncation and rounding
    step: Array  # (N,), the h of each sample
    probes: int


def hutchinson_trace(density: Density, x: object, probes: int = 16, rng: Any = 0) -> TraceEstimate:
    """An estimate of the trace of ∂²E/∂x² at each row of x (N, D), unbiased up to O(h²), from the score s = −∂E/∂x.

    Each probe v has entries ±1 (Hutchinson, 1990; Girard, 1989), and gives

        v·(s(x − h v) − s(x + h v)) / 2h  =  v·(∂²E/∂x²) v + O(h²).

    The sum is computed as Σ_d (s(x⁻) − s(x⁺))_d / (x⁺ − x⁻)_d, with the points x± as rounded to the model's dtype: then
    rounding of x adds no bias. h = ε^⅓ · max(rms of the row, rms of x), or ε^⅓ if x = 0, balances truncation, h², with
    rounding, ε/h, for a score that changes on the scale of the data. It costs 2 · probes + 2 scores a sample. `rng` is
    a seed or a Generator.
    """
    density = calls.checked("hutchinson_trace(density)", density)
    samples = rows("hutchinson_trace(x)", x, columns=density.dimension)
    count = whole("hutchinson_trace(probes)", probes, least=2)
    random = generator("hutchinson_trace(rng)", rng)
    samples = samples.astype(density.dtype).astype(np.float64)
    step = _steps(samples, float(np.finfo(density.dtype).eps))
    total, squares, numerical = np.zeros(len(samples)), np.zeros(len(samples)), np.zeros(len(samples))
    for k in range(count):
        probe = random.integers(0, 2, size=samples.shape) * 2.0 - 1.0
        quadratic = _quadratic_form(density, samples, step[:, None] * probe)
        if k == 0:
            numerical = _quadratic_form(density, samples, 2 * step[:, None] * probe) - quadratic
        change = quadratic - total  # running mean and sum of squares (Welford, 1962)
        total += change / (k + 1)
        squares += change * (quadratic - total)
    error = np.sqrt(squares / (count - 1) / count)
    return TraceEstimate(trace=total, error=error, numerical=numerical, step=step, probes=count)


def _steps(x: Array, epsilon: float) -> Array:
    """ε^⅓ · the least spread of a column that varies, (N,), or of its size if none does; ε^⅓ if x = 0.

    It is never less than a few units in the last place of the largest number of the row.
    """
    size, spread = np.abs(x).max(axis=0), x.std(axis=0)
    varying = spread[spread > 1e-6 * size]
    unit = float(varying.min() if len(varying) else size.max()) or 1.0
    return np.asarray(np.maximum(np.cbrt(epsilon) * unit, 16 * epsilon * np.abs(x).max(axis=1)))


def _quadratic_form(density: Density, x: Array, displacement: Array) -> Array:
    """Σ_d (s(x⁻) − s(x⁺))_d / (x⁺ − x⁻)_d, (N,), for x± = x ± displacement, rounded to the dtype of the density."""
    above, below = (point.astype(density.dtype).astype(np.float64) for point in (x + displacement, x - displacement))
    difference = calls.scores(density, below, "hutchinson_trace") - calls.scores(density, above, "hutchinson_trace")
    return np.asarray((difference / (above - below)).sum(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceGap:
    """How far traces t_n are from the true ones, T_n, on these samples."""

    bias: Estimate  # Σ (t_n − T_n) / Σ |T_n|; the error is that of probes and differences
    squared: Estimate  # Σ (t_n − T_n)² / Σ T_n², the probes' noise taken out; about 0, also below, where t = T
    bias_significant: bool
    squared_significant: bool
    verdict: str  # a sentence

    @property
    def significant(self) -> bool:
        """Whether the traces differ from the true ones by more than chance and finite differences explain."""
        return self.bias_significant or self.squared_significant


def gap(own_trace: object, estimate: TraceEstimate) -> TraceGap:
    """The relative gap between a module's own traces t_n, (N,), such as Σ_d δ′_d of its recursion, and the true ones.

    Two numbers, for errors of opposite signs cancel in the first. With d_n = t_n − T̂_n, and σ_n the error of T̂_n,

        bias = Σ d_n / Σ |T̂_n|,   squared = Σ (d_n² − σ_n²) / Σ (T̂_n² − σ_n²).

    Each is significant beyond `SIGNIFICANT` standard errors (more for few samples and probes, by Student's t), if
    it is also more than finite differences explain: the root mean square of `estimate.numerical`. A handful of samples
    with two probes is too little: in few dimensions the two may be equal by chance, and show no error.
    """
    own = values("gap(own_trace)", own_trace)
    if len(own) != len(estimate.trace):
        what = f"{len(own)} traces, and estimates at {len(estimate.trace)} samples"
        raise EvaluationError(origin="gap(own_trace)", what=what, hint="compute both on the same x")
    count, truth, variance = len(own), estimate.trace, estimate.error**2
    difference, numerical = own - truth, float(np.mean(estimate.numerical**2))
    size = float(np.abs(truth).mean()) or math.nan
    error = math.hypot(math.sqrt(float(variance.sum())) / count, math.sqrt(numerical))
    bias = Estimate(float(difference.mean()) / size, error / size)
    squared = ratio(difference**2 - variance, truth**2 - variance)
    beyond = abs(bias.errors_from(0)) > student(SIGNIFICANT, count * (estimate.probes - 1))
    differs = count > 1 and float(np.mean(difference**2 - variance)) > SIGNIFICANT**2 * numerical
    differs = differs and squared.errors_from(0) > student(SIGNIFICANT, count - 1)
    return TraceGap(
        bias=bias,
        squared=squared,
        bias_significant=beyond,
        squared_significant=differs,
        verdict=_verdict(bias, squared, beyond, differs, count),
    )


def _verdict(bias: Estimate, squared: Estimate, beyond: bool, differs: bool, count: int) -> str:
    if not beyond and not differs:
        return f"no significant gap on {count} samples: relative bias {bias}"
    size = f", relative squared gap {squared}" if differs else ""
    return f"the traces are not those of the Hessian: relative bias {bias}{size}"


def student(sigmas: float, freedom: int) -> float:
    """The quantile of Student's t that is as rare as `sigmas` of a normal variable (Abramowitz and Stegun, 26.7.5)."""
    z, v = sigmas, float(freedom)
    return z + (
        (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
