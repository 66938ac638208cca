"""Arrays where a module wants them: CUDA modules take CuPy's, all others NumPy's."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def namespace(module: ModuleType) -> Any:
    """NumPy or CuPy: the library whose arrays the module takes."""
    return import_module("cupy" if module.METADATA["backend"] == "cuda" else "numpy")


def placed(module: ModuleType, array: Any) -> Any:
    """The array where the module wants it; itself, if it is there."""
    return namespace(module).asarray(array)


def all_placed(module: ModuleType, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays by name where the module wants them."""
    xp = namespace(module)
    return {name: xp.asarray(array) for name, array in arrays.items()}


def on_host(array: Any) -> Array:
    """The array as one of NumPy's."""
    return np.asarray(array.get() if hasattr(array, "get") else array)
