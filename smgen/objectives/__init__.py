"""The objectives, one file each."""

from __future__ import annotations

from typing import Final

from smgen.objectives.hyvarinen import HYVARINEN
from smgen.objectives.protocol import DELTA, DELTA_PRIME, LAM, Objective, Parts

__all__ = ["DELTA", "DELTA_PRIME", "HYVARINEN", "LAM", "OBJECTIVES", "Objective", "Parts"]

OBJECTIVES: Final[dict[str, Objective]] = {objective.name: objective for objective in (HYVARINEN,)}
"""Every objective, by name. The generated module has functions for each."""
