"""`smgen check --data`: what each hessian mode is worth for a network on the user's own data, and which to take.

The network is trained for a few steps with every mode, from the same parameters on the same samples; before and after,
the diagonal recursion is compared with the exact diagonal, and the loss it reports with the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.depths import Depth, errors_by_depth
from smgen.errors import BuildError
from smgen.exactness import verdict
from smgen.hessians import MODES
from smgen.network import Network

Array = npt.NDArray[Any]

STEPS: Final = 40
"""Iterations of L-BFGS."""

SAMPLES: Final = 256
"""The most samples that are looked at."""

PROBES: Final = 4

SMALL: Final = 1e-3
"""A relative error of δ′ that no training is needed to judge."""

COSTLY: Final = 5.0
"""How many times as long as a Hutchinson step an exact one may take before noise is the better bargain."""


@dataclass(frozen=True, slots=True)
class State:
    """The recursion against the truth at some parameters: the loss by both, relative errors, and errors by depth."""

    recursion: float
    exact: float
    error: float
    trace_error: float
    depths: tuple[Depth, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """A mode: the state it leads to, and the median seconds of a step."""

    mode: str
    state: State
    seconds: float


@dataclass(frozen=True, slots=True)
class Advice:
    """The state before training, what each mode makes of it, and the mode recommended, if any, with the reason."""

    before: State
    trained: tuple[Trained, ...]
    mode: str
    reason: str


def load_data(path: Path, units: int, dtype: Any) -> Array:
    """The samples of an .npy file, (N, D). Raises `BuildError` for anything else."""
    hint = f"save an array of shape (N, {units}) with numpy.save"
    try:
        data = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise BuildError(origin=str(path), what="no such file", hint=hint) from None
    except (EOFError, OSError, ValueError) as error:
        raise BuildError(origin=str(path), what=f"not a .npy file ({error})", hint=hint) from None
    if not isinstance(data, np.ndarray):
        raise BuildError(origin=str(path), what="several arrays, not one", hint=hint)
    if data.ndim != 2 or data.shape[1] != units or len(data) == 0:
        raise BuildError(origin=str(path), what=f"an array of shape {data.shape}", hint=hint)
    with np.errstate(over="ignore"):
        samples = data.astype(dtype) if data.dtype.kind in "fiu" else np.full(1, np.nan)
    if not np.isfinite(samples).all():
        what = f"not finite real numbers in {np.dtype(dtype)} throughout"
        raise BuildError(origin=str(path), what=what, hint="clean or rescale the data")
    return samples


def advise(
    network: Network, compile_mode: Callable[[str], ModuleType], data: Array, lam: float, seed: int = 0
) -> Advice:
    """Measure and recommend. `compile_mode` gives the module of a mode, on NumPy arrays, with `PROBES` probes."""
    modules = {mode: compile_mode(mode) for mode in MODES}
    x = np.ascontiguousarray(np.random.default_rng(seed).permutation(data)[:SAMPLES])
    params = modules["exact"].init_params(seed)
    before = _state(network, modules, params, x, lam)
    trained = tuple(_trained(network, modules, mode, params, x, lam, seed) for mode in modules)
    mode, reason = _recommended(network, before, {t.mode: t for t in trained})
    return Advice(before, trained, mode, reason)


def _state(
    network: Network, modules: Mapping[str, ModuleType], params: dict[str, Array], x: Array, lam: float
) -> State:
    recursion, exact = (modules[mode].hessian_diagonal(params, x).astype(np.float64) for mode in ("diagonal", "exact"))
    with np.errstate(all="ignore"):
        total, size = abs(float(exact.sum())), float(np.abs(exact).sum())
        return State(
            float(modules["diagonal"].loss(params, x, lam)),
            float(modules["exact"].loss(params, x, lam)),
            float(np.abs(recursion - exact).sum()) / max(size, 1e-300),
            abs(float(recursion.sum() - exact.sum())) / max(total, 1e-300),
            tuple(errors_by_depth(network, params, x.astype(np.float64))),
        )


def _trained(
    network: Network,
    modules: Mapping[str, ModuleType],
    mode: str,
    params: dict[str, Array],
    x: Array,
    lam: float,
    seed: int,
) -> Trained:
    """Minimise the loss of a mode by L-BFGS; probes stay the same, so that it is a function."""
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise BuildError(what="the training runs of --data need SciPy", hint="pip install scipy") from error
    module = modules[mode]
    seconds: list[float] = []

    def objective(theta: Array) -> tuple[float, Array]:
        start = perf_counter()
        given = {"rng": seed} if mode == "hutchinson" else {}
        with np.errstate(all="ignore"):
            loss, gradient = module.loss_and_grad(module.unflatten(theta), x, lam, **given)
        seconds.append(perf_counter() - start)
        return float(loss), module.flatten(gradient)

    with np.errstate(all="ignore"):
        found = minimize(objective, module.flatten(params), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return Trained(mode, _state(network, modules, module.unflatten(found.x), x, lam), median(seconds))


def _recommended(network: Network, before: State, trained: Mapping[str, Trained]) -> tuple[str, str]:
    """The mode and why."""
    exact, probed, diagonal = (trained[mode] for mode in ("exact", "hutchinson", "diagonal"))
    if not np.isfinite([before.exact, exact.state.exact, probed.state.exact]).all():
        return "", "the loss is not finite: rescale the data, or the network's weights and nonlinearities"
    if verdict(network).exact:
        return "diagonal", f"it is exact for this network: {verdict(network).reason}"
    slower = exact.seconds / probed.seconds
    times = f"an exact step takes {slower:.1f} times as long as one with {PROBES} probes"
    gap = probed.state.exact - exact.state.exact
    gain = max(before.exact - exact.state.exact, 1e-300)
    worse = f"the recursion's δ′ is off by {100 * diagonal.state.error:.3g} % after training with it"
    if max(before.error, diagonal.state.error) < SMALL and diagonal.state.exact - exact.state.exact < 0.01 * gain:
        return "diagonal", f"{worse}, and the loss it reaches is the exact mode's"
    if slower > COSTLY and gap < 0.1 * gain:
        return "hutchinson", f"{worse}; {times}, and its loss is {100 * gap / gain:.2g} % of the gain behind"
    reached = f"the losses reached are {exact.state.exact:.4g} and {probed.state.exact:.4g}"
    return "exact", f"{worse}; {times}; {reached}"


def rows(advice: Advice) -> Iterator[tuple[str, State, float | None]]:
    """The states in the order of the table: label, state, seconds of a step."""
    yield "before training", advice.before, None
    for found in advice.trained:
        yield f"after {found.mode}", found.state, found.seconds
