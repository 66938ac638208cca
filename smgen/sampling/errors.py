"""Errors and warnings of samplers."""

from __future__ import annotations

from smgen.errors import SmgenError, SmgenWarning


class SamplingError(SmgenError):
    """An argument of `sample` is wrong, or the density cannot be sampled: not finite at a start, not normalisable."""


class SamplingWarning(SmgenWarning):
    """The samples may not represent the density: chains disagree, draws depend on each other, proposals fail."""
