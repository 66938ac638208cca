"""What goes wrong in an evaluation."""

from __future__ import annotations

from smgen.errors import SmgenError


class EvaluationError(SmgenError):
    """An argument that cannot be evaluated, or a model whose values leave nothing to evaluate."""
