"""The array types of the demonstration."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]  # images, bases, results
Batch: TypeAlias = NDArray[np.float32]  # what a module is fed: (N, D), one patch a row
Floats: TypeAlias = NDArray[np.floating[Any]]
Params: TypeAlias = dict[str, NDArray[np.float32]]
