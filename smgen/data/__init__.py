"""The user's samples: reading them, looking for flaws, coordinates to train in, and minibatches."""

from __future__ import annotations

from smgen.data.flaws import Array, flaws, unbounded

__all__ = ["Array", "flaws", "unbounded"]
