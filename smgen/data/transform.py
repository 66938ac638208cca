"""The coordinates that a network is trained in: z = A (x − m), stored with the model.

An energy of z is one of x: E_x(x) = E_z(A (x − m)), up to a constant, and its score is Aᵀ score_z. Where A has fewer
rows than columns, z is a projection, and the density is that of what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.errors import BuildError

Array = npt.NDArray[Any]

KINDS: Final = ("none", "scale", "standardise", "rotate", "pca", "zca")
_PROJECTING: Final = ("rotate", "pca")
SMALL: Final = 1e-9
"""A column whose spread is below this part of its size does not vary, and is not scaled up; nor is a direction whose
variance, of columns with variance 1, is below it."""

_ROWS: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """z = A (x′ − m), where x′ is x less its own mean if `without_mean`.

    `mean` is m, (M,); `matrix` A, (D, M), or for the kinds that need none `scale`, (M,), its diagonal. `inverse` is the
    right inverse of A, (M, D). All float64. `levels` is the width of the steps of the data's grid, 0 without one: noise
    that is uniform over it is added in training.
    """

    kind: str
    mean: Array
    scale: Array | None = None
    matrix: Array | None = None
    inverse: Array | None = None
    without_mean: bool = False
    levels: float = 0.0

    @property
    def inputs(self) -> int:
        """The number of values of a sample, M."""
        return len(self.mean)

    @property
    def outputs(self) -> int:
        """The number of values that the network sees, D."""
        return self.inputs if self.matrix is None else len(self.matrix)

    @property
    def is_identity(self) -> bool:
        """Whether z = x."""
        return self.kind == "none" and not self.without_mean

    def forward(self, x: Array, dtype: Any = np.float64) -> Array:
        """z of samples x (N, M): a new array (N, D) of `dtype`. Computed in float64 where x or `dtype` has that."""
        if self.is_identity:
            return np.array(x, dtype)
        narrow = x.dtype.kind in "fb" and max(x.dtype.itemsize, np.dtype(dtype).itemsize) <= 4
        wide = np.float32 if narrow else np.float64
        z: Array = np.array(x, wide)
        if self.without_mean:
            z -= z.mean(axis=1, keepdims=True)
        z -= self.mean.astype(wide)
        if self.matrix is not None:
            return np.asarray((z @ self.matrix.T.astype(wide)).astype(dtype, copy=False))
        if self.scale is not None:
            z *= self.scale.astype(wide)
        return z.astype(dtype, copy=False)

    def backward(self, z: Array) -> Array:
        """The x of least norm (about m) of z (N, D): float64, (N, M)."""
        x = np.asarray(z, np.float64)
        if self.inverse is not None:
            x = x @ self.inverse.T
        elif self.scale is not None:
            x = x / self.scale
        return np.asarray(x + self.mean)

    def pull_back(self, gradient: Array) -> Array:
        """∂/∂x of a function of z whose ∂/∂z is this, (N, D): float64, (N, M)."""
        g = np.asarray(gradient, np.float64)
        if self.matrix is not None:
            g = g @ self.matrix
        elif self.scale is not None:
            g = g * self.scale
        return np.asarray(g - g.mean(axis=1, keepdims=True) if self.without_mean else g)

    @property
    def log_volume(self) -> float:
        """log of the volume that the map multiplies volumes by, ½ log det(A Aᵀ): log p_x = log p_z + it."""
        if self.matrix is not None:
            return float(0.5 * np.linalg.slogdet(self.matrix @ self.matrix.T)[1])
        return 0.0 if self.scale is None else float(np.log(self.scale).sum())


def fitted(
    x: Array, kind: str, outputs: int, *, channels: int = 0, without_mean: bool = False, levels: float = 0.0
) -> Transform:
    """The transform for samples x (N, M) and a network with `outputs` inputs.

    `scale` takes off the mean of every column and divides all by one number; `standardise` gives every column mean 0
    and variance 1, every channel where there are `channels`; `rotate` turns to the principal axes, drops the last ones
    where the network has fewer inputs, and divides all by one number; `pca` scales each axis to variance 1; `zca` does
    and rotates back. A
    column that does not vary is only centred. Raises `BuildError` if the shapes do not fit, and for whitening with
    fewer directions in the data than the network has inputs.
    """
    if kind not in KINDS:
        raise BuildError(what=f"--whiten {kind}: no such transform", hint=f"one of {', '.join(KINDS)}")
    inputs = x.shape[1]
    if inputs != outputs and kind not in _PROJECTING:
        raise BuildError(
            what=f"samples of {inputs} values, where the network has {outputs} inputs",
            hint="--whiten pca keeps the first principal axes" if inputs > outputs else "is the right file named?",
        )
    if inputs < outputs:
        what = f"samples of {inputs} values, where the network has {outputs} inputs"
        raise BuildError(what=what, hint="is the right file named?")
    shared: dict[str, Any] = {"kind": kind, "without_mean": without_mean, "levels": levels}
    if kind == "none":
        return Transform(mean=np.zeros(inputs), **shared)
    mean = sum(block.sum(axis=0) for block in _blocks(x, without_mean)) / len(x)
    if kind in ("rotate", "pca", "zca"):
        covariance = sum((block - mean).T @ (block - mean) for block in _blocks(x, without_mean)) / len(x)
        matrix, inverse = _whitening(covariance, kind, outputs)
        return Transform(mean=mean, matrix=matrix, inverse=inverse, **shared)
    variance = sum(((block - mean) ** 2).sum(axis=0) for block in _blocks(x, without_mean)) / len(x)
    if kind == "scale":
        spread = float(np.sqrt(variance.mean()))
        return Transform(mean=mean, scale=np.full(inputs, 1 / spread if spread else 1.0), **shared)
    if channels:  # the values of a channel share a mean and a variance
        means, variances = mean.reshape(channels, -1), variance.reshape(channels, -1)
        level = means.mean(axis=1, keepdims=True)
        variance = np.repeat((variances + (means - level) ** 2).mean(axis=1), means.shape[1])
        mean = np.repeat(level[:, 0], means.shape[1])
    size = np.max([np.abs(block).max(axis=0) for block in _blocks(x, without_mean)], axis=0)
    spread = np.sqrt(variance)
    return Transform(mean=mean, scale=1 / np.where(spread > SMALL * size, spread, 1.0), **shared)


def _blocks(x: Array, without_mean: bool) -> Iterator[Array]:
    """The samples in float64, a few thousand at a time, each less its own mean if that is wanted."""
    for start in range(0, len(x), _ROWS):
        block = x[start : start + _ROWS].astype(np.float64)
        yield block - block.mean(axis=1, keepdims=True) if without_mean else block


def directions(covariance: Array) -> int:
    """The number of directions in which samples vary, whatever the scales of their columns are."""
    spread = np.sqrt(np.diag(covariance))
    varying = spread > 0
    correlation = covariance[np.ix_(varying, varying)] / np.outer(spread[varying], spread[varying])
    return int((np.linalg.eigvalsh(correlation) > SMALL).sum())


def _whitening(covariance: Array, kind: str, outputs: int) -> tuple[Array, Array]:
    """The matrix A that whitens and its right inverse."""
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    kept = directions(covariance)
    if kept < outputs:
        raise BuildError(
            what=f"--whiten {kind}: the samples span {kept} directions, where the network has {outputs} inputs",
            hint=f"sm.input({kept}) with --whiten pca, or --whiten standardise" if kept else "are all samples equal?",
        )
    # The sign of an axis is arbitrary: its greatest entry is positive.
    axes = axes[:, :outputs] * np.sign(axes[np.abs(axes[:, :outputs]).argmax(axis=0), np.arange(outputs)])
    spread = np.sqrt(variances[:outputs] if kind != "rotate" else np.full(outputs, variances[:outputs].mean()))
    matrix, inverse = (axes / spread).T, axes * spread
    return (axes @ matrix, inverse @ axes.T) if kind == "zca" else (matrix, inverse)
