"""Moments of samples next to those of data, with the differences in standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from smgen.errors import counted
from smgen.evaluation.arguments import Array, positive, rows
from smgen.evaluation.errors import EvaluationError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """One moment of samples and data: arrays (D,), for correlations (D, D). NaN where a coordinate is constant."""

    samples: Array
    data: Array
    errors: Array  # the difference, samples − data, in its standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference between samples and data."""

    moment: str  # `mean`, `standard deviation`, `skewness`, `kurtosis` or `correlation`
    coordinates: tuple[int, ...]  # one, or the two that are correlated
    samples: float
    data: float
    errors: float  # the difference in standard errors

    def __str__(self) -> str:
        place = " and ".join(str(coordinate) for coordinate in self.coordinates)
        noun = "coordinate" if len(self.coordinates) == 1 else "coordinates"
        numbers = f"{self.samples:.4g} in the samples, {self.data:.4g} in the data"
        return f"{self.moment} of {noun} {place}: {numbers}, {self.errors:+.1f} standard errors"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Moments of samples and data. The kurtosis is that of a Gaussian less 3: 0 for a Gaussian."""

    mean: Compared
    standard_deviation: Compared
    skewness: Compared
    kurtosis: Compared
    correlation: Compared
    worst: Difference  # the largest difference in standard errors
    chance: float  # what `worst` exceeds once in 20 times, at most, where samples and data have one distribution


def moments(samples: object, data: object, *, effective: float | None = None) -> Moments:
    """Mean, standard deviation, skewness, kurtosis and correlations of samples (N, D) and data (M, D).

    With z = (x − μ)/σ, the errors are std(ψ)/√N of the influence functions ψ of each moment:

        mean          σ z
        σ             σ (z² − 1)/2
        skewness γ    z³ − γ − 3 z − (3/2) γ (z² − 1)
        kurtosis κ    z⁴ − κ − 4 γ z − 2 κ (z² − 1),  κ = E z⁴
        correlation ρ z_i z_j − ρ (z_i² + z_j²)/2

    (Hampel, 1974; errors of order 1/N are left out: with fewer than some hundred samples, or heavy tails, the errors of
    the skewness and kurtosis are too small.) The rows must be independent; for a Markov chain, `effective` is the
    number of independent samples that its samples are worth, and takes the place of N.
    """
    first, second = rows("moments(samples)", samples, least=4), rows("moments(data)", data, least=4)
    if first.shape[1] != second.shape[1]:
        what = f"{counted(first.shape[1], 'column')} in samples and {second.shape[1]} in data"
        raise EvaluationError(origin="moments", what=what, hint="give samples of the data's own coordinates")
    count = len(first) if effective is None else min(positive("moments(effective)", effective), len(first))
    compared = {
        name: _compared(value, other)
        for (name, value), (_, other) in zip(_moments(first, count), _moments(second, len(second)), strict=True)
    }
    worst, number = _worst(compared)
    return Moments(
        mean=compared["mean"],
        standard_deviation=compared["standard deviation"],
        skewness=compared["skewness"],
        kurtosis=compared["kurtosis"],
        correlation=compared["correlation"],
        worst=worst,
        chance=NormalDist().inv_cdf(1 - 0.05 / (2 * number)),
    )


def _moments(x: Array, count: float) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """The name of each moment, its values and their standard errors for `count` independent samples."""
    mean = x.mean(axis=0)
    deviation = np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 0.0)
    z = (x - mean) / np.where(deviation > 0, deviation, np.nan)
    square = z**2
    skewness, fourth = (z**3).mean(axis=0), (square**2).mean(axis=0)
    root = math.sqrt(count)

    def error(influence: Array) -> Array:
        return np.asarray(influence.std(axis=0) / root)

    yield "mean", (mean, deviation / root)
    yield "standard deviation", (deviation, np.where(deviation > 0, deviation * error((square - 1) / 2), 0.0))
    yield "skewness", (skewness, error(z**3 - 3 * z - 1.5 * skewness * square))
    yield "kurtosis", (fourth - 3, error(square**2 - 4 * skewness * z - 2 * fourth * square))
    yield "correlation", _correlation(z, root)


def _correlation(z: Array, root: float) -> tuple[Array, Array]:
    """ρ = E z_i z_j, and std(ψ)/√N with E ψ² = E z_i²z_j² − ρ E(z_i³z_j + z_i z_j³) + ρ² E(z_i² + z_j²)²/4. (D, D)."""
    number, square = len(z), z**2
    rho = z.T @ z / number
    both, third = square.T @ square / number, (z**3).T @ z / number
    fourth = np.diag(both)
    variance = both - rho * (third + third.T) + rho**2 * (fourth[:, None] + fourth + 2 * both) / 4
    return rho, np.sqrt(np.maximum(variance, 0)) / root


def _compared(first: tuple[Array, Array], second: tuple[Array, Array]) -> Compared:
    difference, error = first[0] - second[0], np.hypot(first[1], second[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(difference == 0, 0.0, difference / error)
    return Compared(samples=first[0], data=second[0], errors=errors)


def _worst(compared: dict[str, Compared]) -> tuple[Difference, int]:
    """The largest difference, and of how many."""
    worst, number = Difference(moment="mean", coordinates=(0,), samples=0.0, data=0.0, errors=0.0), 0
    for name, one in compared.items():
        size = np.abs(one.errors)
        if name == "correlation":
            size = np.where(np.tri(len(size), dtype=bool), np.nan, size)  # each pair once
        number += int(np.isfinite(size).sum())
        size = np.where(np.isnan(size), -1.0, size)
        place = np.unravel_index(int(size.argmax()), size.shape)
        if size[place] > abs(worst.errors) or number == 0:
            worst = Difference(
                moment=name,
                coordinates=tuple(int(k) for k in place),
                samples=float(one.samples[place]),
                data=float(one.data[place]),
                errors=float(one.errors[place]),
            )
    return worst, max(number, 1)
