"""Checks of arguments, before anything is computed. `origin` says where: the function and its argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.errors import counted, shortened
from smgen.evaluation.errors import EvaluationError

Array = npt.NDArray[np.float64]


def numbers(origin: str, value: object, shape: str) -> Array:
    """Real numbers as float64. `shape` tells the user what is expected, e.g. `(N, D)`."""
    hint = f"give an array of real numbers of shape {shape}"
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise EvaluationError(origin=origin, what=f"is no array ({error})", hint=hint) from None
    if array.dtype.kind not in "fiub":
        what = f"has entries of type {array.dtype}" if isinstance(value, np.ndarray) else f"is {shortened(value)}"
        raise EvaluationError(origin=origin, what=what, hint=hint)
    return array.astype(np.float64)


def values(origin: str, value: object, *, least: int = 1, infinite: bool = False) -> Array:
    """At least `least` numbers, (N,); infinite ones only where `infinite`."""
    array = numbers(origin, value, "(N,)")
    if array.ndim != 1:
        raise EvaluationError(origin=origin, what=f"has shape {array.shape}", hint="give one number a sample, (N,)")
    _enough(origin, len(array), "value", least)
    return _clean(origin, array, np.asarray(np.isnan(array) | (np.isinf(array) & (not infinite))), "value")


def rows(origin: str, value: object, *, columns: int | None = None, least: int = 1) -> Array:
    """At least `least` samples of finite numbers, (N, D); D = `columns` unless that is None."""
    shape = "(N, D)" if columns is None else f"(N, {columns})"
    array = numbers(origin, value, shape)
    if array.ndim != 2 or array.shape[1] == 0 or array.shape[1] != (columns or array.shape[1]):
        hint = f"give one row a sample, {shape}; x.reshape(len(x), -1) makes rows of images"
        raise EvaluationError(origin=origin, what=f"has shape {array.shape}", hint=hint)
    _enough(origin, len(array), "sample", least)
    return _clean(origin, array, np.asarray(~np.isfinite(array).all(axis=1)), "row")


def _enough(origin: str, count: int, noun: str, least: int) -> None:
    if count < least:
        raise EvaluationError(origin=origin, what=f"has {counted(count, noun)}", hint=f"at least {least} are needed")


def _clean(origin: str, array: Array, bad: npt.NDArray[np.bool_], noun: str) -> Array:
    """The array, unless `bad` (N,) marks some of it."""
    if bad.any():
        raise EvaluationError(
            origin=origin,
            what=f"{int(bad.sum())} of {counted(len(bad), noun)} not finite, the first at {int(bad.argmax())}",
            hint="find out why, or leave them out and say so where you report the result",
        )
    return array


def whole(origin: str, value: object, *, least: int) -> int:
    """A whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        hint = f"give a whole number, at least {least}"
        raise EvaluationError(origin=origin, what=f"is {shortened(value)}", hint=hint)
    return int(value)


def positive(origin: str, value: object) -> float:
    """A finite number above 0."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not real or not 0 < float(value) < np.inf:  # type: ignore[arg-type]
        raise EvaluationError(origin=origin, what=f"is {shortened(value)}", hint="give a finite number above 0")
    return float(value)  # type: ignore[arg-type]


def generator(origin: str, value: Any) -> np.random.Generator:
    """The Generator itself, or a new one from a seed."""
    if isinstance(value, np.random.Generator):
        return value
    return np.random.default_rng(whole(origin, value, least=0))
