"""`smgen check --data`: compares the hessian modes for a network on the user's own data, and recommends one.

The network is trained for a few steps with every mode, from the same parameters on the same samples. Before and after,
the recursion is compared with the exact diagonal, and the loss that it reports with the true loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.analysis.exactness import verdict
from smgen.data import flaws, unbounded
from smgen.errors import BuildError
from smgen.hessians import DIAGONAL, EXACT, HUTCHINSON, MODES
from smgen.network import Network
from smgen.report.depths import Depth, errors_by_depth

Array = npt.NDArray[Any]

STEPS: Final = 40
"""Iterations of L-BFGS."""

SAMPLES: Final = 256
"""The most samples that are used."""

PROBES: Final = 4

SMALL: Final = 1e-3
"""A relative error of δ′ that is small enough for training."""

REMEDY: Final = (
    "Give --lam above 0 (0.01, say), or add a little noise to the data, and leave out columns that say nothing"
)

COSTLY: Final = 5.0
"""The ratio of the times of an exact and a Hutchinson step above which the noisy estimate is the better choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The recursion and the exact diagonal at some parameters: both losses, relative errors, and errors by depth."""

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
    """The state before training and after it with each mode, the recommended mode, if any, and the reason."""

    before: State
    trained: tuple[Trained, ...]
    mode: str
    reason: str


def objection(network: Network, data: Array, lam: float) -> str:
    """The reason why no mode can be recommended, known before training; empty if there is none."""
    exactness = verdict(network)
    if exactness.flat:
        return exactness.reason
    if lam > 0:
        return ""
    seen = flaws(data)
    return f"at λ = 0 the loss has no minimum on these data: {'; '.join(seen)}. {REMEDY}" if seen else ""


def advise(
    network: Network, compile_mode: Callable[[str], ModuleType], data: Array, lam: float, seed: int = 0
) -> Advice:
    """Measure and recommend. `compile_mode` gives the module of a mode, on NumPy arrays, with `PROBES` probes."""
    modules = {mode: compile_mode(mode) for mode in MODES}
    x = np.ascontiguousarray(np.random.default_rng(seed).permutation(data)[:SAMPLES])
    params = modules[EXACT.name].init_params(seed)
    before = _state(network, modules, params, x, lam)
    trained = tuple(_trained(network, modules, mode, params, x, lam, seed) for mode in modules)
    mode, reason = _recommended(network, before, {t.mode: t for t in trained})
    lowest = min((t.state.exact for t in trained if t.mode != DIAGONAL.name or verdict(network).exact), default=0.0)
    if mode and lam == 0 and unbounded(lowest, data):
        mode, reason = "", f"the loss falls without bound on these data, J = {lowest:.3g} after {STEPS} steps. {REMEDY}"
    return Advice(before, trained, mode, reason)


def _state(
    network: Network, modules: Mapping[str, ModuleType], params: dict[str, Array], x: Array, lam: float
) -> State:
    with np.errstate(all="ignore"):
        recursion, exact = (
            modules[mode].hessian_diagonal(params, x).astype(np.float64) for mode in (DIAGONAL.name, EXACT.name)
        )
        total, size = abs(float(exact.sum())), float(np.abs(exact).sum())
        return State(
            recursion=float(modules[DIAGONAL.name].loss(params, x, lam)),
            exact=float(modules[EXACT.name].loss(params, x, lam)),
            error=float(np.abs(recursion - exact).sum()) / max(size, 1e-300),
            trace_error=abs(float(recursion.sum() - exact.sum())) / max(total, 1e-300),
            depths=tuple(errors_by_depth(network, params, x.astype(np.float64))),
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
    """Minimise the loss of a mode by L-BFGS, with the same probes in every step."""
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise BuildError(what="the training runs of --data need SciPy", hint="pip install scipy") from error
    module = modules[mode]
    seconds: list[float] = []

    def objective(theta: Array) -> tuple[float, Array]:
        start = perf_counter()
        seeds = {"rng": seed} if MODES[mode].takes_probes else {}
        with np.errstate(all="ignore"):
            try:
                reached = module.unflatten(theta)
            except ValueError as error:  # not finite, or beyond the dtype
                raise StopIteration from error
            loss, gradient = module.loss_and_grad(reached, x, lam, **seeds)
        seconds.append(perf_counter() - start)
        latest.append(reached)
        return float(loss), module.flatten(gradient)

    latest = [params]
    with np.errstate(all="ignore"):
        start = module.flatten(params)
        try:
            minimum = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
            reached = module.unflatten(minimum.x)
        except (StopIteration, ValueError):  # the search left the finite numbers: take the last parameters
            reached = latest[-1]
    return Trained(mode, _state(network, modules, reached, x, lam), median(seconds))


def _recommended(network: Network, before: State, trained: Mapping[str, Trained]) -> tuple[str, str]:
    """The recommended mode and the reason."""
    exact, probed, diagonal = (trained[mode.name] for mode in (EXACT, HUTCHINSON, DIAGONAL))
    if not np.isfinite([before.exact, exact.state.exact, probed.state.exact]).all():
        return "", "the loss is not finite: rescale the data, or the network's weights and nonlinearities"
    if verdict(network).exact:
        return DIAGONAL.name, f"it is exact for this network: {verdict(network).reason}"
    slower = exact.seconds / probed.seconds
    times = f"an exact step takes {slower:.1f} times as long as one with {PROBES} probes"
    gap = probed.state.exact - exact.state.exact
    gain = max(before.exact - exact.state.exact, 1e-300)
    worse = f"the recursion's δ′ is off by {100 * diagonal.state.error:.3g} % after training with it"
    if max(before.error, diagonal.state.error) < SMALL and diagonal.state.exact - exact.state.exact < 0.01 * gain:
        return DIAGONAL.name, f"{worse}, and the loss it reaches is the exact mode's"
    if slower > COSTLY and gap < 0.1 * gain:
        return HUTCHINSON.name, f"{worse}; {times}, and its loss is {100 * gap / gain:.2g} % of the gain behind"
    reached = f"the losses reached are {exact.state.exact:.4g} and {probed.state.exact:.4g}"
    return EXACT.name, f"{worse}; {times}; {reached}"


def rows(advice: Advice) -> Iterator[tuple[str, State, float | None]]:
    """The states in the order of the table: label, state, seconds of a step."""
    yield "before training", advice.before, None
    for trained in advice.trained:
        yield f"after {trained.mode}", trained.state, trained.seconds
