"""Answers of the oracle, kept for those who ask the same again: another backend, dtype, batch size or hessian mode."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

MOST: Final = 256


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which returns a copy of its last answer to the same specification, parameters and data.

    A specification that cannot be hashed and numbers that are no floats are asked for anew.
    """
    known: OrderedDict[Any, R] = OrderedDict()

    @wraps(function)
    def asked(*args: P.args, **keywords: P.kwargs) -> R:
        key = (*map(_key, args), *((name, _key(value)) for name, value in keywords.items()))
        if any(part is None for part in key):
            return function(*args, **keywords)
        if key not in known:
            known[key] = function(*args, **keywords)
            if len(known) > MOST:
                known.popitem(last=False)
        return deepcopy(known[key])

    return cast("Callable[P, R]", asked)


def _key(value: Any) -> Any:
    """What stands for an argument: equal only for equal ones. None if there is nothing."""
    if isinstance(value, Mapping):
        parts = tuple((name, _key(part)) for name, part in value.items())
        return None if any(part is None for _, part in parts) else parts
    if isinstance(value, np.ndarray):
        return None if value.dtype == object else (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, float | int):
        return type(value), value
    try:
        hash(value)
    except TypeError:
        return None
    return value
