"""Score matching behind scikit-learn's interface: `ScoreMatching`, for any network, and `ICA`.

Importing this package needs scikit-learn; without it, `EstimatorsUnavailable` says how to install it.
"""

from __future__ import annotations

from smgen.estimators.requirements import EstimatorsUnavailable, require_sklearn

require_sklearn()

from smgen.estimators.ica import ICA  # noqa: E402
from smgen.estimators.matching import ScoreMatching  # noqa: E402

__all__ = ["ICA", "EstimatorsUnavailable", "ScoreMatching"]
