"""More filters than dimensions, of unit length, by score matching.

    E(z) = Σ_j α_j f(w_j·z),    ‖w_j‖ = 1,    α_j = softplus(a_j) > 0

of whitened z. The density has no closed normalisation, which score matching does without. Rows of free length would
sharpen without bound on data with many small values, and the others die.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

import smgen as sm
from smgen.estimators.networks import ONE
from smgen.models import Model
from smgen.network import Network
from smgen.training import fit

Array = npt.NDArray[Any]

FILTERS: Final = "filters.weight"
STRENGTHS: Final = "strengths"

RATE: Final = 0.05
"""Adam's first step: of 0.005, 0.02 and 0.05, the one with the best atoms after 2,000 steps."""


def network(dimension: int, filters: int, nonlinearity: str) -> Network:
    """The energy above, z of `dimension` values; the strengths start at 1."""
    responses = sm.linear(sm.input(dimension), filters, bias=False, name="filters")
    strengths = sm.softplus(sm.parameter(filters, init=ONE, name=STRENGTHS))
    return Network(energy=strengths * getattr(sm, nonlinearity)(responses))


def learn(x: Array, dimension: int, filters: int, nonlinearity: str, options: dict[str, Any]) -> Model:
    """The model of samples x (N, M), whitened to `dimension` directions, after all steps of Adam.

    `options` are more of those of `smgen.fit`. Raises `SmgenError` for wrong ones; warns with `DataWarning`.
    """
    own: dict[str, Any] = {"whiten": "pca", "unit_rows": FILTERS, "held_out": 0.0, "rate": RATE}
    own |= {"average": 0.0, "evaluations": 1}  # the last filters are kept
    return fit(network(dimension, filters, nonlinearity), x, **own, **options)


def parts(model: Model) -> tuple[Array, Array]:
    """The unit rows w_j (M, D) and the strengths α_j (M,) of a model, float64."""
    rows, raw = (np.asarray(model.params[name], np.float64) for name in (FILTERS, STRENGTHS))
    return rows, np.logaddexp(0.0, raw)
