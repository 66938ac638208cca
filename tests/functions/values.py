"""f, f′ and f″ as modules compute them, at single places."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.network import Network
from tests.support import module_of

TARGETS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"))]


def one(function: Any) -> Network:
    """x → linear(1, name="w") → F."""
    return Network(energy=sm.pointwise(sm.linear(sm.input(1), 1, name="w"), function))


def values(function: Any, at: list[float], dtype: str, backend: str) -> list[tuple[float, ...]]:
    """(f, f′, f″) at each place, with weight 1 and bias 0."""
    module = module_of(one(function), dtype, backend)
    params = {"w.weight": np.ones((1, 1), dtype), "w.bias": np.zeros(1, dtype)}
    x = np.array(at, dtype)[:, np.newaxis]
    columns = module.energy(params, x), -module.score(params, x)[:, 0], module.hessian_diagonal(params, x)[:, 0]
    return [tuple(map(float, row)) for row in zip(*columns, strict=True)]
