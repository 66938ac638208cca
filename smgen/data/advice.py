"""What to say of data before a network is trained on them: flaws without a density, heavy tails, unequal scales."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.data.flaws import columns_text, flaws
from smgen.data.transform import Transform

Array = npt.NDArray[Any]

FAR: Final = 30.0
"""A sample so many times the middle half's width from the median is far out: a normal one is within 4."""

UNEQUAL: Final = 100.0
"""The ratio of the greatest spread of a column to the least above which they are called unequal."""

REMEDY: Final = (
    "At λ = 0 the loss has no minimum on such data: take λ > 0 (--lam 0.01), add noise (--levels, or --objective "
    "denoising), or leave the column out (--whiten pca projects on fewer directions)"
)


def advice(seen: Array, transform: Transform, *, curved: bool, lam: float | None) -> tuple[str, ...]:
    """Sentences about samples (N, M) as they are before the transform. A `curved` loss has δ′; it needs a density."""
    sentences = []
    if curved and not transform.levels:
        for flaw in flaws(_as_float(seen)):
            sentences.append(
                f"Your data: {flaw}. {REMEDY if lam == 0 else 'λ > 0 keeps the loss bounded all the same.'}"
            )
    moved = transform.forward(seen[:20_000])
    sentences += _tails(moved)
    if transform.kind == "none":
        sentences += _scales(moved)
    return tuple(sentences)


def _as_float(seen: Array) -> Array:
    return seen if seen.dtype.kind == "f" else seen.astype(np.float64)


def _tails(z: Array) -> list[str]:
    low, middle, high = np.quantile(z, (0.25, 0.5, 0.75), axis=0)
    width = np.where(high > low, high - low, np.inf)
    far = (np.abs(z - middle) / width).max(axis=0, initial=0.0)
    heavy = np.flatnonzero(far > FAR)
    if not len(heavy):
        return []
    worst = int(far.argmax())
    where = f"{columns_text(heavy, 'has', 'have')} samples more than {FAR:g} times the width of the middle half"
    remedy = "Few samples will dominate the loss: take logarithms or clip them, or train with --clip 1"
    return [f"Your data have heavy tails: {where} from the median (column {worst}: {far[worst]:.3g} times). {remedy}"]


def _scales(z: Array) -> list[str]:
    spread = z.std(axis=0)
    positive = spread[spread > 0]
    if not len(positive) or (positive.max() < UNEQUAL * positive.min() and 1 / UNEQUAL < positive.max() < UNEQUAL):
        return []
    what = f"Your data's columns have spreads from {positive.min():.3g} to {positive.max():.3g}"
    return [f"{what}, and the network starts for about 1: --whiten standardise scales them"]
