"""The normaliser of a density in up to three dimensions, by adaptive quadrature."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from smgen.density import Density
from smgen.evaluation import calls
from smgen.evaluation.arguments import Array, numbers, positive, rows, values, whole
from smgen.evaluation.cells import FIRST, Cells, Rule, grid, halved, log_sum
from smgen.evaluation.errors import EvaluationError
from smgen.evaluation.estimate import Estimate

Indices = npt.NDArray[np.intp]

ORIGIN: Final = "log_normaliser_quadrature"

HALF_WIDTH: Final = 8.0
"""Half the width of the first box, in scales: standard deviations of the data."""

WIDENINGS: Final = 6
"""A box that is not the user's is doubled at most so often."""

EDGE: Final = 1e-3
"""The edge carries mass if it has more of the total than this; boxes are widened from a hundredth of it on."""

WITNESSES: Final = 200
"""The most samples, and cells of largest mass, whose density the cells around them must have seen."""

UNSEEN: Final = 3.0
"""A cell has not seen a witness if the witness's log density is above that of all its nodes by more than this."""

NEAR: Final = 0.5
"""A witness is near a cell if it is within the cell, or no further from it than this part of its width."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quadrature:
    """log Z and what it rests on. `log_density` is the normalised log-density."""

    log_z: Estimate  # the error is a cautious bound: Σ over cells of |coarse − fine| / Z, and `outside`
    edge_share: float  # the part of the mass in the outer layer of first cells: 1/16 of the width (D = 1), 1/8, 1/6
    edge_warning: bool  # whether that is above EDGE: mass is missing, or there is no normaliser
    outside: float  # the mass outside the box over that inside, if the tail goes on as a power; ∞ if no Z exists
    converged: bool  # whether cells reached the tolerance with at most `most` evaluations
    low: Array  # the box, (D,)
    high: Array  # (D,)
    evaluations: int
    density: Density = field(repr=False)

    def log_density(self, x: object) -> Array:
        """log p(x) = −E(x) − log Z, (N,), for x (N, D)."""
        samples = rows("Quadrature.log_density(x)", x, columns=self.density.dimension)
        return -calls.energies(self.density, samples, "Quadrature.log_density") - self.log_z.value


def log_normaliser_quadrature(
    density: Density,
    *,
    bounds: object = None,
    data: object = None,
    centre: object = None,
    scale: object = None,
    tolerance: float | None = None,
    most: int = 4_000_000,
) -> Quadrature:
    """log Z = log ∫ exp(−E(x)) dx for D ≤ 3 over a box, (N,) energies at a time, in logarithms.

    The box is `bounds`, (D, 2), as it is, and the error is that of the integral over it; or 8 `scale` to each side of
    `centre`, (D,) each, by default those of `data` (N, D), doubled up to 6 times while its edge carries mass, and the
    error contains `outside`. It is cut into cells with a Gauss–Legendre rule on each. A cell's error is the difference
    from the sum over its 2^D halves (Berntsen, Espelid and Genz, 1991); those with most error are halved until all
    errors together are below `tolerance` (of Z; 1e-6, for float32 1.2e-4), or `most` energies of a box are computed.
    Cells that missed density of `data`, or of a heavy cell next to them, are halved whatever their error.

    Without data a mode that is narrower than the nodes' first spacing, 1/256 of the width in 1-D, 1/128, 1/60, can be
    missed.
    """
    density = calls.checked(f"{ORIGIN}(density)", density)
    dimension = density.dimension
    if dimension not in FIRST:
        hint = "log_normaliser_ais estimates log Z in any dimension"
        raise EvaluationError(origin=f"{ORIGIN}(density)", what=f"has {dimension} dimensions, not 1 to 3", hint=hint)
    samples = None if data is None else rows(f"{ORIGIN}(data)", data, columns=dimension, least=2)
    epsilon = float(np.finfo(density.dtype).eps)
    allowed = max(1e-6, 1e3 * epsilon) if tolerance is None else positive(f"{ORIGIN}(tolerance)", tolerance)
    budget = whole(f"{ORIGIN}(most)", most, least=1)
    low, high = _box(dimension, bounds, samples, centre, scale)
    witnesses = np.empty((0, dimension)) if samples is None else samples[:: -(-len(samples) // WITNESSES)]
    heights = -calls.energies(density, witnesses, ORIGIN)
    refinement = _Refinement(density, witnesses, heights, budget)
    for _ in range(WIDENINGS if bounds is None else 0):
        cells, _, _ = refinement.run(low, high, 0.1)
        if _edge_shares(cells, low, high)[0] <= EDGE / 100:
            break
        low, high = low - (high - low) / 2, high + (high - low) / 2
    cells, share, converged = refinement.run(low, high, allowed)
    edge, next_to_it = _edge_shares(cells, low, high)
    outside = power_tail(edge, next_to_it, FIRST[dimension])
    return Quadrature(
        log_z=Estimate(float(log_sum(cells.log_mass)), share + (outside if bounds is None else 0.0)),
        edge_share=edge,
        edge_warning=edge > EDGE,
        outside=outside,
        converged=converged,
        low=low,
        high=high,
        evaluations=refinement.evaluations,
        density=density,
    )


class _Refinement:
    """Halves cells until their errors are small enough, and counts the evaluations."""

    def __init__(self, density: Density, witnesses: Array, heights: Array, budget: int) -> None:
        self.density, self.witnesses, self.heights, self.budget = density, witnesses, heights, budget
        self.rule = Rule.gauss_legendre(density.dimension)
        self.evaluations = 0

    def run(self, low: Array, high: Array, tolerance: float) -> tuple[Cells, float, bool]:
        """The cells, the sum of their errors as a share of Z, and whether that is at most the tolerance."""
        cells = grid(self.density, self.rule, low, high, ORIGIN)
        spent = len(cells.low) * len(self.rule.nodes)
        log_errors = np.full(len(cells.low), np.inf)
        active: Indices = np.arange(len(cells.low))
        while True:
            children, child_errors = halved(self.density, self.rule, cells[active], ORIGIN)
            spent += len(children.low) * len(self.rule.nodes)
            rest = np.setdiff1d(np.arange(len(cells.low)), active)
            cells = cells[rest] + children
            log_errors = np.concatenate([log_errors[rest], child_errors])
            log_total = float(log_sum(cells.log_mass))
            if not math.isfinite(log_total):
                what = f"the energy is +∞ at all {spent} points of the box"
                raise EvaluationError(origin=ORIGIN, what=what, hint="choose bounds where exp(−E) is above 0")
            shares = np.exp(log_errors - log_total)
            if shares.sum() <= tolerance:
                shares[self._unseen(cells)] = np.inf
            affordable = (self.budget - spent) // (len(self.rule.nodes) * 2**low.size)
            active = _worst(shares, tolerance)[: max(affordable, 0)]
            if len(active) == 0:
                self.evaluations += spent
                return cells, float(shares.sum()), bool(shares.sum() <= tolerance)

    def _unseen(self, cells: Cells) -> npt.NDArray[np.bool_]:
        """Which cells are near a witness whose density is far above that of all their nodes.

        Witnesses are samples, and the cells of largest mass: a narrow mode reaches into the cells around its own.
        """
        heaviest = np.argsort(cells.log_mass)[::-1][:WITNESSES]
        places = np.concatenate([self.witnesses, cells.centre[heaviest]])
        heights = np.concatenate([self.heights, cells.log_peak[heaviest]])
        unseen = np.zeros(len(cells.low), dtype=bool)
        for start in range(0, len(cells.low), 4096):
            block = cells[slice(start, start + 4096)]
            missed = heights > block.log_peak[:, None] + UNSEEN
            for axis in range(block.low.shape[1]):
                distance = np.abs(places[:, axis] - block.centre[:, axis, None])
                missed &= distance <= (0.5 + NEAR) * block.width[:, axis, None]
            unseen[start : start + 4096] = missed.any(axis=1)
        return unseen


def _worst(shares: Array, tolerance: float) -> Indices:
    """The cells to halve, the worst first: all others together have at most half the tolerance."""
    if shares.sum() <= tolerance:
        return np.empty(0, dtype=np.intp)
    order = np.argsort(shares)
    few = int(np.searchsorted(np.cumsum(shares[order]), tolerance / 2, side="right"))
    return np.asarray(order[few:][::-1])


def _edge_shares(cells: Cells, low: Array, high: Array) -> tuple[float, float]:
    """The parts of the mass in the first cells along the faces of the box, and in the layer within that."""
    layer = (high - low) / FIRST[len(low)]
    depth = np.minimum((cells.centre - low) / layer, (high - cells.centre) / layer).min(axis=1)
    log_total = log_sum(cells.log_mass)
    outer, inner = (log_sum(np.append(cells.log_mass[(depth > k) & (depth < k + 1)], -np.inf)) for k in (0, 1))
    return float(np.exp(outer - log_total)), float(np.exp(inner - log_total))


def power_tail(outer: float, inner: float, layers: int) -> float:
    """The mass outside the box if the mass outside f half-widths is C f^−α, from that of the two outer layers.

    With f₁ = 1 − 2/layers and f₂ = 1 − 4/layers, inner/outer = (f₂^−α − f₁^−α)/(f₁^−α − 1) determines α, and C is
    outer/(f₁^−α − 1). Tails that fall faster, as exp(−|x|) does, leave less. ∞ if no α > 0 fits.
    """
    first, second = -math.log1p(-2 / layers), -math.log1p(-4 / layers)
    if outer == 0:
        return 0.0
    if inner / outer <= (second - first) / first:  # the ratio at α = 0
        return math.inf
    least, most = 0.0, 500.0
    for _ in range(60):
        alpha = (least + most) / 2
        ratio = (math.exp(alpha * second) - math.exp(alpha * first)) / math.expm1(alpha * first)
        least, most = (alpha, most) if ratio < inner / outer else (least, alpha)
    return outer / math.expm1(most * first)


def _box(dimension: int, bounds: object, samples: Array | None, centre: object, scale: object) -> tuple[Array, Array]:
    """The lower and the upper corner, (D,)."""
    if bounds is not None:
        if centre is not None or scale is not None:
            raise EvaluationError(origin=ORIGIN, what="bounds, and a centre or scale", hint="give one of them")
        box = numbers(f"{ORIGIN}(bounds)", bounds, f"({dimension}, 2)")
        if box.shape != (dimension, 2) or not np.isfinite(box).all() or not (box[:, 0] < box[:, 1]).all():
            what, hint = f"is no box: {box.tolist()}", f"give {dimension} pairs of numbers, the lower one first"
            raise EvaluationError(origin=f"{ORIGIN}(bounds)", what=what, hint=hint)
        return box[:, 0], box[:, 1]
    if samples is None and (centre is None or scale is None):
        raise EvaluationError(origin=ORIGIN, what="no box", hint="give data=, or centre= and scale=, or bounds=")
    if samples is not None:
        centre = samples.mean(axis=0) if centre is None else centre
        scale = samples.std(axis=0) if scale is None else scale
    middle, size = values(f"{ORIGIN}(centre)", centre), values(f"{ORIGIN}(scale)", scale)
    if middle.shape != (dimension,) or size.shape != (dimension,) or not (size > 0).all():
        what = f"a centre {middle.tolist()} and a scale {size.tolist()}"
        raise EvaluationError(
            origin=ORIGIN, what=what, hint=f"give {dimension} numbers each, scales above 0: no column may be constant"
        )
    reach = HALF_WIDTH * size
    if samples is not None:
        reach = np.maximum(reach, 1.25 * np.abs(samples - middle).max(axis=0))
    return middle - reach, middle + reach
