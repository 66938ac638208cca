"""The samples of a training: what the user asks for, the sources by name, and the transform that is fitted to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.data.images import patches
from smgen.data.sources import Source, open_sources
from smgen.data.transform import KINDS, Transform, fitted
from smgen.errors import BuildError, SmgenWarning, several, shortened
from smgen.training.problem import Problem

Array = npt.NDArray[Any]


class DataWarning(SmgenWarning):
    """The data have no density, or one that is hard to learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """What is done with the samples.

    whiten        none; scale (one number for all columns); standardise (each column, or channel, to mean 0 and variance
                  1); rotate (principal axes, one number for all); pca or zca; by default standardise, or none for an
                  objective of data within bounds
    without_mean  take off each sample its own mean, as of patches of photographs
    levels        the width of the steps of whole numbers or grey levels: noise that is uniform over it is added; 0 for
    none held_out      the share of the samples that is held out; by default a tenth, but at most 10,000 patch, count
    of a folder of images: the side of the patches, and how many
    """

    whiten: str | None = None
    without_mean: bool = False
    levels: float = 0.0
    held_out: float | None = None
    patch: int | None = None
    count: int = 100_000

    def __post_init__(self) -> None:
        if self.whiten not in (None, *KINDS):
            hint = f"one of {', '.join(KINDS)}"
            raise BuildError(what=f"whiten: {shortened(self.whiten)} is no such transform", hint=hint)
        if self.held_out is not None and not 0 <= self.held_out < 1:
            raise BuildError(what=f"held_out: {shortened(self.held_out)} is no share from 0 to below 1")
        if not 0 <= self.levels < np.inf:
            raise BuildError(what=f"levels: {shortened(self.levels)} is no width of at least 0")
        if self.patch is not None and self.patch < 1:
            raise BuildError(what=f"patch: {shortened(self.patch)} is no number of pixels")
        if self.count < 1:
            raise BuildError(what=f"count: {shortened(self.count)} is no number of patches")


def named_sources(data: object, options: DataOptions, shape: tuple[int, ...], problem: Problem) -> dict[str, Source]:
    """The sources of x and of the network's conditions. Raises `BuildError` if one is missing or rows differ."""
    if options.patch is not None or (
        isinstance(data, (str, Path)) and Path(data).is_dir() and Path(data).suffix != ".zarr"
    ):
        folder = Path(str(data))
        if not folder.is_dir():
            raise BuildError(origin=str(data), what="no folder of images", hint="--patch is for folders of images")
        size = options.patch or (shape[-1] if len(shape) == 3 else round(prod(shape) ** 0.5))
        sources: Mapping[str, Source] = {
            "x": patches(folder, size, shape[0] if len(shape) == 3 else None, options.count)
        }
    else:
        sources = open_sources(data)
    if "x" not in sources:
        raise BuildError(what=f"the data have no x, only {several(sorted(sources), str)}", hint='name the samples "x"')
    missing = [name for name in problem.conditions if name not in sources]
    if missing:
        raise BuildError(
            what=f"the network's conditions are not in the data: {several(missing, str)}",
            hint=f"give them beside x: an .npz file, or a dict, with x and {', '.join(missing)}, N rows each",
        )
    chosen = {name: sources[name] for name in ("x", *problem.conditions)}
    rows = {name: source.rows for name, source in chosen.items()}
    if len(set(rows.values())) > 1:
        what = f"different numbers of rows: {', '.join(f'{n} has {count}' for n, count in rows.items())}"
        raise BuildError(what=what, hint="each sample has its conditions in the same row")
    return chosen


def fitted_transform(
    x: Source, seen: Array, shape: tuple[int, ...], options: DataOptions, problem: Problem
) -> Transform:
    """The transform for samples of the source, fitted to those seen. Raises `BuildError` if their shapes do not fit."""
    bounded = problem.objective.domain != (None, None)
    whiten = options.whiten or ("none" if bounded else "standardise")
    if bounded and (whiten != "none" or options.without_mean):
        what = f"whiten: {whiten} moves the bounds of the {problem.objective.name} loss"
        raise BuildError(what=what, hint="whiten=none; scale the data before, so that the bounds stay")
    if len(shape) > 1 and x.shape not in (shape, (prod(shape),)):
        what = f"samples of shape {x.shape}, where the network has input {shape}"
        raise BuildError(origin=x.origin, what=what, hint="channels come first: (N, C, H, W)")
    channels = shape[0] if len(shape) > 1 and len(x.shape) > 1 else 0
    try:
        return fitted(
            seen,
            whiten,
            prod(shape),
            channels=channels,
            without_mean=options.without_mean,
            levels=options.levels,
        )
    except BuildError as error:
        raise BuildError(origin=x.origin, what=error.what, hint=error.hint) from error
