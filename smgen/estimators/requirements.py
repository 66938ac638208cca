"""scikit-learn is optional: it is asked for when an estimator is first used."""

from __future__ import annotations

from importlib.util import find_spec

from smgen.errors import SmgenError


class EstimatorsUnavailable(SmgenError):
    """scikit-learn is not installed."""


def require_sklearn() -> None:
    """Raise `EstimatorsUnavailable` unless scikit-learn is installed."""
    if find_spec("sklearn") is None:
        raise EstimatorsUnavailable(
            what="the estimators need scikit-learn, which this Python does not have",
            hint="pip install 'smgen[sklearn]'",
        )
