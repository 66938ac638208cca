"""Values of equations: arrays with named axes, their products and sums, and the functions of one number.

n are samples, c tangents, p places of a tensor, u units and w the second axis of a matrix. Vectors have u, tensors p
and u, matrices u and w; vᵀ has w in u's place. A juxtaposition multiplies what has no axis in common with a matrix
entry by entry, a matrix with what stands behind it as matrices do, and v uᵀ as an outer product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[Any]
ORDER: Final = "ncpuw"


class NoReadingError(Exception):
    """What is written cannot be evaluated as it is read."""


@dataclass(frozen=True)
class Value:
    """`array` has the axes `axes`, in the order of `ORDER`."""

    array: Array
    axes: str

    def renamed(self, **names: str) -> Value:
        axes = "".join(names.get(axis, axis) for axis in self.axes)
        if len(set(axes)) < len(axes):
            raise NoReadingError(f"{self.axes} by {names}")
        order = sorted(range(len(axes)), key=lambda k: ORDER.index(axes[k]))
        return Value(self.array.transpose(order), "".join(axes[k] for k in order))

    def spread(self, axes: str) -> Array:
        """The array with axes of length one where it has none of `axes`."""
        return self.array[tuple(slice(None) if axis in self.axes else np.newaxis for axis in axes)]

    def without(self, axes: Sequence[str]) -> Value:
        """The same numbers without those of these axes that have length one."""
        dropped = [k for k, axis in enumerate(self.axes) if axis in axes and self.array.shape[k] == 1]
        if not dropped:
            return self
        return Value(
            self.array.squeeze(tuple(dropped)), "".join(a for k, a in enumerate(self.axes) if k not in dropped)
        )

    def is_same(self, other: Value) -> bool:
        return self.axes == other.axes and np.array_equal(self.array, other.array)

    @property
    def is_matrix(self) -> bool:
        return "u" in self.axes and "w" in self.axes

    def transposed(self) -> Value:
        return self.renamed(u="w", w="u")

    def total(self, axis: str) -> Value:
        if axis not in self.axes:
            raise NoReadingError(f"no {axis} in {self.axes}")
        return Value(self.array.sum(self.axes.index(axis)), self.axes.replace(axis, ""))


class Outer(Value):
    """v uᵀ of each sample, tangent and place, which are summed before it is formed."""

    left: Value
    right: Value
    summed: str

    def __init__(self, left: Value, right: Value, summed: str = "") -> None:
        axes = "".join(axis for axis in ORDER if axis in left.axes + right.axes and axis not in summed)
        for name, content in (("left", left), ("right", right), ("summed", summed), ("axes", axes)):
            object.__setattr__(self, name, content)

    @property
    def array(self) -> Array:
        left, right = self.left, self.right
        shared = [axis for axis in left.axes if axis in right.axes]
        if any(left.array.shape[left.axes.index(k)] != right.array.shape[right.axes.index(k)] for k in shared):
            axes = "".join(axis for axis in ORDER if axis in left.axes + right.axes)
            product = _broadcast(left.spread(axes), right.spread(axes), np.multiply)
            return np.asarray(product.sum(tuple(axes.index(axis) for axis in self.summed)))
        subscripts = f"{left.axes},{right.axes}->{self.axes}"
        return np.asarray(np.einsum(subscripts, left.array, right.array, optimize=True))

    def total(self, axis: str) -> Value:
        both = axis in self.left.axes + self.right.axes
        return Outer(self.left, self.right, self.summed + axis) if axis in "ncp" and both else super().total(axis)


def _broadcast(a: Array, b: Array, combine: Callable[[Array, Array], Array]) -> Array:
    try:
        return combine(a, b)
    except ValueError as error:
        raise NoReadingError(str(error)) from error


def together(a: Value, b: Value, combine: Callable[[Array, Array], Array]) -> Value:
    """Entry by entry, over the axes of both."""
    axes = "".join(axis for axis in ORDER if axis in a.axes + b.axes)
    return Value(_broadcast(a.spread(axes), b.spread(axes), combine), axes)


def times(a: Value, b: Value) -> Value:
    """a b."""
    if not a.is_matrix or "u" not in b.axes:
        is_outer = "u" in a.axes and "w" in b.axes and "u" not in b.axes
        return Outer(a, b) if is_outer else together(a, b, np.multiply)
    # The second axis of a meets the first of b, under a name of its own.
    left, right = a.axes.replace("w", "k"), b.axes.replace("u", "k")
    axes = "".join(axis for axis in ORDER if axis in left + right)
    try:
        return Value(np.einsum(f"{left},{right}->{axes}", a.array, b.array, optimize=True), axes)
    except ValueError as error:
        raise NoReadingError(str(error)) from error


def number(value: Any) -> Value:
    return Value(np.asarray(value, np.float64), "")


FUNCTIONS: Final[Mapping[str, Callable[..., Array]]] = {
    "softplus": lambda u: np.logaddexp(0, u),
    "sigmoid": special.expit,
    "logcosh": lambda u: np.logaddexp(u, -u) - np.log(2),
    "sech": lambda u: 1 / np.cosh(u),
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "tan": np.tan,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "erf": special.erf,
    "ndtr": special.ndtr,
    "gaussian": lambda u, c: np.exp(-c * u**2),
    "sqrt": np.sqrt,
    "relu": lambda u: np.maximum(u, 0),
    "step": lambda u: np.heaviside(u, 0),
    "signum": np.sign,
    "absolute": np.abs,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
POWERS: Final = {"²": 2, "³": 3, "⁴": 4}
