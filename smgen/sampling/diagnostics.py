"""R-hat and effective sample size by ArviZ, and what they and the method's numbers say about the samples."""

from __future__ import annotations

import importlib
import warnings
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Final

import numpy as np

from smgen.density import Array
from smgen.errors import counted
from smgen.sampling.problem import Run

WORST_R_HAT: Final = 1.05
LEAST_EFFECTIVE: Final = 100
LEAST_PART: Final = 0.1
"""The effective samples that there should be, of the draws."""
ACCEPTANCES: Final = (0.2, 0.98)
LEAST_SWAP_RATE: Final = 0.05
FEWEST_DRAWS: Final = 4
"""ArviZ splits each chain in two halves, and needs two draws of each."""

MISSING: Final = "R-hat and the effective sample size are not known: ArviZ is missing; pip install 'smgen[sample]'"


def arviz() -> Any:
    """The package ArviZ, or None if it is not installed."""
    if find_spec("arviz") is None:
        return None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*ArviZ is undergoing", category=FutureWarning)
        return importlib.import_module("arviz")


def convergence(chains: Array) -> tuple[float | None, float | None]:
    """The worst coordinate's R-hat and the least effective sample size, of draws (chains, draws, D).

    R-hat is the rank-normalised split one, which is 1 when chains agree and nan if a coordinate never moved; the
    effective sample size is that of the bulk (Vehtari et al. 2021). None without ArviZ or with fewer than four draws;
    no R-hat for a single chain.
    """
    package = arviz()
    count, draws, dimension = chains.shape
    if package is None or draws < FEWEST_DRAWS:
        return None, None
    effective, r_hat = [], []
    with np.errstate(all="ignore"):
        for d in range(dimension):
            coordinate = chains[:, :, d].astype(np.float64)
            effective.append(float(package.ess(coordinate)))
            if count > 1:
                r_hat.append(float(package.rhat(coordinate)))
    return (float(np.max(r_hat)) if r_hat else None), float(np.min(effective))


def enough(draws: int) -> float:
    """The least effective sample size that raises no warning: 10 % of all draws, and 100, or half of fewer than 200."""
    return max(LEAST_PART * draws, min(LEAST_EFFECTIVE, draws / 2))


def findings(run: Run, r_hat: float | None, effective: float | None, *, one_draw: bool) -> tuple[str, ...]:
    """A sentence for each sign that the samples may not represent the density."""
    found: list[str] = []
    count, draws, _ = run.chains.shape
    if draws >= FEWEST_DRAWS and effective is None and not one_draw:
        found.append(MISSING)
    if r_hat is not None and np.isnan(r_hat):
        found.append("R-hat is not defined: a coordinate did not move in any chain")
    elif r_hat is not None and r_hat > WORST_R_HAT:
        found.append(
            f"R-hat is {r_hat:.3f}, above {WORST_R_HAT}: the chains disagree; use a longer warmup, a larger thin, "
            "or method='tempering' if the density has separate modes"
        )
    if effective is not None and not effective >= enough(count * draws):
        found.append(
            f"the {count * draws} draws are worth {effective:.0f} independent ones, fewer than "
            f"{enough(count * draws):.0f}: use a larger thin"
        )
    if run.acceptance is not None and not ACCEPTANCES[0] <= run.acceptance <= ACCEPTANCES[1]:
        low = run.acceptance < ACCEPTANCES[0]
        found.append(
            f"{run.acceptance:.3g} of the proposals are accepted, "
            + ("fewer" if low else "more")
            + f" than {ACCEPTANCES[not low]}: "
            + ("use a smaller step_size, or a longer warmup" if low else "use a larger step_size, or a longer warmup")
        )
    if run.failures:
        found.append(
            f"{counted(run.failures, 'proposal')} of {run.proposals} had an energy or a score that is not finite, "
            "and were rejected: use bounds=… where the density ends, or a smaller step_size"
        )
    for colder, hotter in pairwise(run.ladder):
        if colder.swap_rate is not None and colder.swap_rate < LEAST_SWAP_RATE:
            found.append(
                f"the temperatures {colder.temperature:.3g} and {hotter.temperature:.3g} exchange "
                f"{colder.swap_rate:.2g} of their chains, fewer than {LEAST_SWAP_RATE}: put temperatures between them"
            )
    return tuple(found)
