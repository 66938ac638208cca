"""Training of generated modules."""

from __future__ import annotations

from smgen.training.fitting import fit

__all__ = ["fit"]
