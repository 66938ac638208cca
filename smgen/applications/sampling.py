"""Samples of a trained model, in the coordinates of its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smgen.density import Density
from smgen.errors import BuildError
from smgen.models import Model
from smgen.sampling import METHODS, Samples, geometric
from smgen.sampling import sample as sample_density

Array = npt.NDArray[Any]


def sample(
    model: Model | Density,
    count: int,
    *,
    method: str = "hmc",
    start: Any = None,
    data: Any = None,
    bounds: tuple[Any, Any] | None = None,
    conditions: Mapping[str, Any] | None = None,
    seed: int = 0,
    **options: Any,
) -> Samples:
    """Draw `count` samples of a model, (count, …) in `values`, as arrays like its data.

    `method` is hmc, mala, langevin, annealed (for a network with a condition sigma: Langevin steps at falling noise
    levels, by default 20 of the range that the model was trained for) or tempering; `options` are those of
    `smgen.sampling.sample`: chains, warmup, thin, step_size, temperatures, sigmas, denoise, progress … Chains start
    from `start` (chains, …), from random rows of `data`, or from noise of the size of the training data. `bounds` =
    (low, high) are in the coordinates of the data: numbers or arrays of the shape of a sample; chains are reflected
    there. By default they are those of the objective, of data that are not negative, for example. `conditions` of the
    network are one for all samples. A `Density` can be given in place of a model.

    Raises `SmgenError` for wrong arguments, before anything is computed; issues a `SamplingWarning` for each reason to
    distrust the samples.
    """
    if isinstance(model, Density):
        return sample_density(model, count, method=method, start=start, data=data, bounds=bounds, seed=seed, **options)
    given = model.checked(conditions or {})
    if bounds is None:
        bounds = model.domain
    density: Density | Callable[[float], Density] = model.density(**given)
    if method in METHODS and METHODS[method].ONE_DRAW:
        if "sigma" in given:
            what = "conditions: method='annealed' goes through noise levels of its own"
            raise BuildError(what=what, hint="sigmas=(1.0, …, 0.01) sets them")
        if options.get("sigmas") is None:
            options["sigmas"] = _levels(model)
        density = lambda sigma: model.density(sigma=sigma, **given)  # noqa: E731
    elif "sigma" in model.conditions and "sigma" not in given:
        hint = 'method="annealed", or conditions={"sigma": 0.1}'
        raise BuildError(what="the network has a condition sigma, the noise level", hint=hint)
    inner: dict[str, Any] = {
        name: model.inner(value) for name, value in (("start", start), ("data", data)) if value is not None
    }
    limits = None if bounds is None else _limits(model, bounds)
    samples = sample_density(density, count, method=method, bounds=limits, seed=seed, **inner, **options)
    chains = model.outer(samples.chains.reshape(-1, samples.chains.shape[-1]))
    return replace(
        samples,
        values=model.outer(samples.values),
        chains=chains.reshape(*samples.chains.shape[:2], *model.record.sample_shape),
    )


def _levels(model: Model) -> tuple[float, ...]:
    """Falling noise levels over the range that the model was trained for."""
    sigma = model.record.training.get("sigma")
    if not isinstance(sigma, (list, tuple)):
        raise BuildError(
            what="annealed sampling needs noise levels, and this model was not trained for a range of them",
            hint="train with --objective denoising --sigma 0.01:1 and a condition sigma, or give sigmas=(1.0, …, 0.01)",
        )
    return geometric(sigma[1], sigma[0], 20)


def _limits(model: Model, bounds: tuple[Any, Any]) -> tuple[Array, Array]:
    """Bounds in the coordinates of the network: those of each column, moved and scaled. Raises for a rotation."""
    transform = model.transform
    if transform.matrix is not None or transform.without_mean:
        what = f"bounds on data that are rotated (whiten={transform.kind})"
        raise BuildError(what=what, hint="train with whiten=standardise or none, which keep columns apart")
    scale = np.ones(transform.inputs) if transform.scale is None else transform.scale
    ends = []
    for bound, none in zip(bounds, (-np.inf, np.inf), strict=True):
        whole = np.array(none if bound is None else bound, np.float64)  # NaN stands for None in it
        whole[np.isnan(whole)] = none
        rows = np.broadcast_to(whole, model.record.sample_shape).reshape(-1)
        ends.append((rows - transform.mean) * scale)
    return ends[0], ends[1]
