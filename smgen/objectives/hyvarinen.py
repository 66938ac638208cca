"""Hyvärinen's score-matching loss with the curvature regulariser of Kingma and LeCun (NIPS 2010)."""

from __future__ import annotations

from typing import Final

from smgen.objectives.protocol import DELTA, DELTA_PRIME, LAM, Objective

HYVARINEN: Final = Objective(
    name="hyvarinen",
    prefix="",
    terms=(("K", DELTA**2 / 2), ("L", -DELTA_PRIME + LAM * DELTA_PRIME**2)),
)
