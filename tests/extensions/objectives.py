"""An objective that smgen does not have: score matching with log cosh in place of a square."""

from __future__ import annotations

from smgen.calculus.primitives import logcosh
from smgen.objectives import DELTA, DELTA_PRIME, LAM, Objective

ROBUST = Objective(
    name="robust",
    prefix="robust_",
    terms=(("R", logcosh(DELTA)), ("S", -2 * DELTA_PRIME + LAM * DELTA_PRIME**2 / 2)),
)
