"""What a page is about: a model, and what was computed with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isqrt, prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.applications import Evaluation
from smgen.density import Density
from smgen.models import Model
from smgen.sampling import Samples

Array = npt.NDArray[Any]

LEAST_SIDE: Final = 6
"""A sample of so many squared numbers, or more, is shown as a square picture; fewer may be anything."""

NOT_RUN: Final = (
    "The model was loaded without trust: net.py, which is Python, has not been run. Only what its record and its "
    "parameters say is shown."
)


NOT_FINITE: Final = "The parameters are not finite: what needs the network's values is left out."


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The model, samples (N, …) of the data and of the model, how these were drawn, and what was measured.

    `conditions` are those of the network, one for all samples, that the density is shown for. `why_no_samples` says why
    there are none, if that is not the user's choice.
    """

    model: Model
    data: Array | None = None
    samples: Array | None = None
    sampling: Samples | None = None
    evaluation: Evaluation | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)
    why_no_samples: str = ""

    @property
    def obstacle(self) -> str:
        """Why the model's functions cannot be called, as a sentence; "" if they can."""
        if self.model.module is None:
            return NOT_RUN
        finite = all(np.isfinite(array).all() for array in self.model.params.values())
        return "" if finite else NOT_FINITE

    @property
    def missing_conditions(self) -> tuple[str, ...]:
        """The conditions of the network without a value."""
        module = self.model.module
        wanted = () if module is None else module.METADATA["conditions"]
        return tuple(name for name in wanted if name not in self.conditions)

    @property
    def image(self) -> tuple[int, int, int] | None:
        """The channels, the height and the width of a sample that is a picture; None for other samples."""
        sizes = self.model.record.sample_shape
        if len(sizes) == 3:
            return sizes[0], sizes[1], sizes[2]
        side = isqrt(prod(sizes))
        return (1, side, side) if len(sizes) == 1 and side >= LEAST_SIDE and side * side == sizes[0] else None

    @property
    def keeps_all(self) -> bool:
        """Whether the network's coordinates are as many as the data's, so that it has a density of the data."""
        transform = self.model.transform
        return transform.outputs == transform.inputs and not transform.without_mean

    @cached_property
    def seen(self) -> Array | None:
        """The data as rows (N, M), as far as the network sees them: without what the transform takes off."""
        if self.data is None:
            return None
        rows = np.asarray(self.data, np.float64).reshape(len(self.data), -1)
        transform = self.model.transform
        return rows if self.keeps_all else transform.backward(transform.forward(rows))

    @cached_property
    def drawn(self) -> Array | None:
        """The samples of the model as rows (N, M)."""
        return None if self.samples is None else np.asarray(self.samples, np.float64).reshape(len(self.samples), -1)

    def density(self) -> Density:
        """The density in the network's coordinates, with the conditions."""
        return self.model.density(**self.conditions)
