"""The weights that read x: as pictures where samples are pictures, else as a map of signed values."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from smgen.pages.blocks import Block, Figure, Figures, Section
from smgen.pages.pictures import grey, image, signed, tiled
from smgen.pages.subject import Subject

Array = npt.NDArray[Any]

MOST: Final = 144
"""The most filters that are shown."""

_CELLS: Final = 512
"""The most rows and columns of a map."""


@dataclass(frozen=True, slots=True)
class Weights:
    """An array of parameters that a vertex multiplies x by: (filters, D), or kernels (filters, channels, …)."""

    name: str
    values: Array

    @property
    def strongest(self) -> Array:
        """The filters in order of falling norm, as far as they are shown."""
        norms = np.sqrt((self.values.reshape(len(self.values), -1) ** 2).sum(axis=1))
        return np.asarray(self.values[np.argsort(-norms, kind="stable")[:MOST]])


def section(subject: Subject) -> Section | None:
    """The section; None if no weights read x directly, or they are not finite."""
    weights = _first(subject)
    if weights is None:
        return None
    blocks = (_pictures(subject, weights),)
    return Section(title="First weights", anchor="weights", blocks=blocks)


def _first(subject: Subject) -> Weights | None:
    """The first parameters that x is multiplied by. Without the network, their shape says which they are."""
    model = subject.model
    sizes = model.record.shape
    names = list(model.params)
    if model.network is not None:
        readers = [v for v in model.network.vertices if v.inputs == (model.network.input.name,)]
        names = [key for v in readers for key in v.operands if key in model.params]
    for name in names:
        values = np.asarray(model.params[name], np.float64)
        is_dense = values.ndim == 2 and len(sizes) == 1 and values.shape[1] == sizes[0]
        is_kernel = values.ndim == len(sizes) + 1 > 2 and values.shape[1] == sizes[0]
        if (is_dense or is_kernel) and len(values) > 1 and np.isfinite(values).all():
            return Weights(name, values)
    return None


def _pictures(subject: Subject, weights: Weights) -> Block:
    picture = subject.image
    shown = weights.strongest
    text = f"{len(shown)} of the {len(weights.values)}" if len(shown) < len(weights.values) else f"the {len(shown)}"
    if weights.values.ndim == 4:
        caption = f"The kernels of {weights.name}: {text}, the longest first, each scaled to its own greatest size."
        return Figures((Figure(_sheet(shown, f"Kernels {weights.name}"), caption),))
    if weights.values.ndim == 2 and picture is not None and prod(picture) == subject.model.transform.inputs:
        return Figures(tuple(_in_pixels(subject, weights.name, shown, picture, text)))
    return Figures((_map(weights),))


def _in_pixels(subject: Subject, name: str, w: Array, picture: tuple[int, int, int], text: str) -> list[Figure]:
    """The filters Aᵀ w that samples are multiplied by, and the features that they respond to: covariance × filter."""
    transform = subject.model.transform
    filters = transform.pull_back(w)
    caption = f"The filters in pixels, Aᵀ w: {text} rows w of {name}, the longest first, each scaled to its own size."
    figures = [Figure(_sheet(filters.reshape(-1, *picture), f"Filters {name} in pixels"), caption)]
    features = None
    if transform.kind in ("pca", "zca"):  # the covariance of z is 1, and that of x the inverse of A times its transpose
        features = transform.backward(w) - transform.mean
    elif subject.seen is not None:
        centred = subject.seen - subject.seen.mean(axis=0)
        features = filters @ (centred.T @ centred) / len(centred)
    if features is not None:
        caption = (
            "The features that they respond to: the covariance of the samples times each filter, in the same order."
        )
        figures.append(Figure(_sheet(features.reshape(-1, *picture), f"Features of {name} in pixels"), caption))
    return figures


def _sheet(tiles: Array, alt: str) -> Markup:
    """Signed pictures (K, channels, h, w): in colour for three channels, else each channel in grey."""
    sizes = np.abs(tiles).reshape(len(tiles), -1).max(axis=1)
    scaled = tiles / np.where(sizes > 0, sizes, 1.0).reshape(-1, 1, 1, 1)
    colours = scaled.shape[1] == 3
    shown = np.moveaxis(scaled, 1, -1) if colours else scaled.reshape(-1, *scaled.shape[2:])[:MOST, ..., None]
    columns = ceil(sqrt(len(shown) * shown.shape[1] / shown.shape[2]))
    return image(tiled(grey(shown, -1.0, 1.0), columns), f"{alt}, {len(shown)} tiles")


def _map(weights: Weights) -> Figure:
    """The array as a map, the longer axis to the right."""
    flat = weights.values.reshape(len(weights.values), -1)[:_CELLS, :_CELLS]
    upright = flat.shape[0] < flat.shape[1]
    size = float(np.abs(flat).max())
    pixels = signed(flat if upright else flat.T, size)
    sides = "units downwards, inputs to the right" if upright else "inputs downwards, units to the right"
    caption = Markup(
        "The array {}, {}: from {} in <span class='negative'>brown</span> to {} in <span class='positive'>blue</span>."
    ).format(weights.name, sides, f"−{size:.3g}", f"{size:.3g}")
    return Figure(image(pixels, f"The weights {weights.name} as a map", "pixels map"), caption, wide=True)
