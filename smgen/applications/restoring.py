"""Restoration with a trained model as the prior: noise taken off, missing values filled in, resolution raised.

Samples of the model's own shape are restored each for itself. An image larger than that is restored through all its
overlapping patches: posterior means are averaged, and in a maximum a posteriori estimate the energy of the image is the
sum over patches divided by the number that hold a pixel (Zoran and Weiss, ICCV 2011, have it without the division).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.applications.prior import Prior, minimum
from smgen.errors import BuildError, shortened
from smgen.models import Model

Array = npt.NDArray[Any]


def denoise(
    model: Model,
    noisy: Any,
    sigma: float,
    *,
    method: str = "tweedie",
    stride: int = 1,
    conditions: Mapping[str, Any] | None = None,
) -> Array:
    """Take Gaussian noise of standard deviation `sigma`, in units of the data, off samples or an image: float64.

    tweedie   E[x | y] = y + σ² ∂ log p_σ(y)/∂y, where p_σ is the density of noisy data (Miyasawa 1961; Robbins 1956);
              for a model of data with this noise, trained with the denoising loss at σ, or with sigma as a condition
    map       argmin_x ½ ‖x − y‖²/σ² + E(x): for a model of clean data

    `noisy` is (N, …) of the model's samples, or one image (H, W) or (C, H, W) larger than those, of which a patch at
    every `stride`-th place is used. Raises `SmgenError` for another shape, and where noise of one size in the data is
    none in the network's coordinates.
    """
    y, prior = _prepared(model, noisy, stride, conditions)
    sigma = _positive("sigma", sigma)
    if method == "map":
        return minimum(prior, y, lambda x: (x - y) / sigma**2, lambda x: float(((x - y) ** 2).sum()) / (2 * sigma**2))
    if method != "tweedie":
        raise BuildError(what=f"method: {shortened(method)} is unknown", hint="tweedie, or map")
    inner = _inner_sigma(model, sigma)
    given = dict(conditions or {})
    if "sigma" in model.needs_module().METADATA["conditions"]:
        given.setdefault("sigma", inner)
    density = model.density(**given)

    def mean(rows: Array) -> Array:
        z = model.transform.forward(rows, density.dtype)
        clean = model.transform.backward(z + inner**2 * density.score(z))
        return clean + rows.mean(axis=1, keepdims=True) if model.transform.without_mean else clean

    return prior.mean(y, mean)


def inpaint(
    model: Model, image: Any, missing: Any, *, stride: int = 1, conditions: Mapping[str, Any] | None = None
) -> Array:
    """Fill in the values where `missing` is True: those of least energy given the others. float64, like the image.

    `missing` has the shape of `image`, or of one sample. The search starts from the mean of the values that are known.
    Raises `SmgenError` for other shapes, and if nothing is known or nothing missing.
    """
    values = np.asarray(image, np.float64)
    try:
        hole = np.broadcast_to(np.asarray(missing), values.shape)
    except ValueError:
        what = f"missing: shape {np.shape(missing)}, where the values have {values.shape}"
        raise BuildError(what=what, hint="the same shape, or that of one sample") from None
    y, prior = _prepared(model, np.where(hole.astype(bool), 0, values), stride, conditions)
    if hole.dtype != np.bool_ or hole.all() or not hole.any():
        raise BuildError(what="missing: no array of True and False, with both", hint="True where a value is missing")
    start = np.where(hole, y[~hole].mean(), y)
    return minimum(prior, start, lambda x: np.zeros_like(x), lambda x: 0.0, free=hole)


def super_resolve(
    model: Model,
    image: Any,
    factor: int,
    *,
    sigma: float = 0.01,
    stride: int = 1,
    conditions: Mapping[str, Any] | None = None,
) -> Array:
    """Raise the resolution of an image (H, W) or (C, H, W) by a whole factor: argmin_x ½ ‖D x − y‖²/σ² + E(x), float64.

    D averages squares of factor × factor pixels, and `sigma` is the noise of the small image, in units of the data.
    Raises `SmgenError` for a large image that is smaller than the model's samples.
    """
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 2:
        raise BuildError(what=f"factor: {shortened(factor)} is no whole number of at least 2")
    small = np.asarray(image, np.float64)
    if small.ndim not in (2, 3):
        raise BuildError(what=f"image: an array of shape {small.shape}", hint="one image, (H, W) or (C, H, W)")
    sigma = _positive("sigma", sigma)
    y, prior = _prepared(model, small.repeat(factor, axis=-1).repeat(factor, axis=-2), stride, conditions)
    low = small.reshape(*y.shape[:-2], *small.shape[-2:])
    area = factor**2

    def residual(x: Array) -> Array:
        blocks = x.reshape(*x.shape[:-2], low.shape[-2], factor, low.shape[-1], factor)
        return np.asarray(blocks.mean(axis=(-3, -1)) - low)

    def slope(x: Array) -> Array:
        return np.asarray((residual(x) / (area * sigma**2)).repeat(factor, axis=-1).repeat(factor, axis=-2))

    return minimum(prior, y, slope, lambda x: float((residual(x) ** 2).sum()) / (2 * sigma**2))


def _prepared(model: Model, given: Any, stride: int, conditions: Mapping[str, Any] | None) -> tuple[Array, Prior]:
    """The values as float64, and the prior of arrays of their shape."""
    values = np.asarray(given)
    if values.dtype.kind not in "fiub" or not np.isfinite(values).all():
        raise BuildError(what=f"an array of {values.dtype} with values that are no finite numbers", hint="real numbers")
    if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
        raise BuildError(what=f"stride: {shortened(stride)} is no whole number of at least 1")
    return values.astype(np.float64), Prior.of(model, values.shape, stride, dict(conditions or {}))


def _positive(name: str, number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < np.inf:
        raise BuildError(what=f"{name}: {shortened(number)} is no number above 0")
    return float(number)


def _inner_sigma(model: Model, sigma: float) -> float:
    """Noise of the data in the network's coordinates, where it must have one size too."""
    transform = model.transform
    squares, rest = np.ones(1) if transform.scale is None else transform.scale**2, 0.0
    if transform.matrix is not None:
        gram = transform.matrix @ transform.matrix.T
        squares = np.diag(gram)
        rest = np.abs(gram - np.diag(squares)).max()
    if max(float(np.ptp(squares)), rest) > 1e-6 * squares[0]:
        what = f"noise of one size in the data has several in coordinates with whiten={transform.kind}"
        raise BuildError(what=f"method tweedie: {what}", hint="train with whiten=scale, rotate or none")
    return float(sigma * squares[0] ** 0.5)
