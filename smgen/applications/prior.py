"""The energy of arrays under a model: of samples each for itself, or of a large image through its patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.applications.patches import Patches
from smgen.errors import BuildError
from smgen.models import Model

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """E(x) and ∂E/∂x of arrays; with `patches`, of an image, which then has three axes inside."""

    model: Model
    conditions: dict[str, Any]
    patches: Patches | None

    @classmethod
    def of(cls, model: Model, shape: tuple[int, ...], stride: int, conditions: dict[str, Any]) -> Prior:
        """The prior of samples (N, …) or of an image. Raises `BuildError` for a shape that is neither."""
        own = model.record.sample_shape
        if len(shape) == len(own) + 1 and shape[1:] == own:
            return cls(model=model, conditions=conditions, patches=None)
        side = round(own[0] ** 0.5)
        window = own if len(own) == 3 else (1, *own) if len(own) == 2 else (1, side, side)
        image = shape if len(shape) == 3 else (1, *shape)
        square = len(own) > 1 or side * side == own[0]
        if len(image) != 3 or not square or image[0] != window[0] or image[1] < window[1] or image[2] < window[2]:
            raise BuildError(
                what=f"an array of shape {shape}, where the model has samples of shape {own}",
                hint="give samples (N, …), or one image, (H, W) or (C, H, W), of at least that size",
            )
        if stride > min(window[1:]):
            what = f"stride: {stride} leaves pixels between patches of {window[1]}×{window[2]}"
            raise BuildError(what=what, hint=f"at most {min(window[1:])}")
        patches = Patches((image[0], image[1], image[2]), window[1], window[2], stride)
        return cls(model=model, conditions=conditions, patches=patches)

    def energy_and_slope(self, x: Array) -> tuple[float, Array]:
        """E, a number, and ∂E/∂x."""
        model, density = self.model, self.model.density(**self.conditions)
        energies = []

        def slope(rows: Array) -> Array:
            energy, score = density.energy_and_score(model.transform.forward(rows, density.dtype))
            energies.append(float(np.sum(energy, dtype=np.float64)))
            return -model.transform.pull_back(score)

        if self.patches is None:
            gradient = slope(x.reshape(len(x), -1)).reshape(x.shape)
            return sum(energies), gradient
        share = self.patches.height * self.patches.width / self.patches.stride**2
        gradient = self.patches.summed(x.reshape(self.patches.shape), slope).reshape(x.shape)
        return sum(energies) / share, gradient / share

    def mean(self, x: Array, restored: Callable[[Array], Array]) -> Array:
        """What a function makes of samples, (n, D); of an image, the mean over the patches that hold a pixel."""
        if self.patches is None:
            return restored(x.reshape(len(x), -1)).reshape(x.shape)
        total = self.patches.summed(x.reshape(self.patches.shape), restored)
        return np.asarray(total / self.patches.cover).reshape(x.shape)


def minimum(
    prior: Prior,
    start: Array,
    slope: Callable[[Array], Array],
    value: Callable[[Array], float],
    free: Array | None = None,
) -> Array:
    """The minimum of E(x) + value(x), whose slope is ∂E/∂x + slope(x), over the values that are free; by L-BFGS."""
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise BuildError(
            what="the search for the most probable values needs SciPy", hint="pip install scipy"
        ) from error
    chosen = np.ones(start.shape, bool) if free is None else free

    def objective(theta: Array) -> tuple[float, Array]:
        x = start.copy()
        x[chosen] = theta
        energy, gradient = prior.energy_and_slope(x)
        return energy + value(x), (gradient + slope(x))[chosen]

    options = {"maxiter": 500, "maxcor": 20}
    found = minimize(objective, start[chosen], jac=True, method="L-BFGS-B", options=options)
    best = start.copy()
    best[chosen] = found.x
    return best
