"""The loss of a generated module as training sees it: a step's loss and gradient, and the loss of samples held out.

Everything goes through the public functions of the module. Which they are and what they take follows from the record of
the objective. Held-out losses are true ones: where the module's own δ′ may be wrong, δ′ and δ′² are estimated from the
score alone, along random probes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.data.batches import Batch, some_rows
from smgen.errors import BuildError, several
from smgen.models.device import all_placed, on_host, placed
from smgen.objectives import DELTA, SIGMA, Objective, X, chosen_objectives
from smgen.training.settings import Settings
from smgen.training.team import Alone, Team

Array = npt.NDArray[Any]

TRACE_PROBES: Final = 4
_HELD_OUT_SEED: Final = 0x5EED


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A module, the objective that it is trained for, and what the objective is given.

    `seed` is that of noise and probes, `team` the processes that train together.
    """

    module: ModuleType
    objective: Objective
    lam: float
    sigma: float | tuple[float, float] | None
    seed: int = 0
    team: Team = field(default_factory=Alone)

    @classmethod
    def of(cls, module: ModuleType, settings: Settings, objective: str | None = None) -> Problem:
        """The problem of a module, by default for its first objective. Raises `BuildError` if it lacks a function."""
        known = chosen_objectives(module.METADATA["objective"])
        wanted = known[:1] if objective is None else [o for o in known if o.name == objective]
        if not wanted:
            names = several([o.name for o in known], str)
            raise BuildError(
                what=f"objective {objective}: this module has losses for {names}", hint="build it for both"
            )
        chosen = wanted[0]
        missing = [f for f in ("loss_and_grad", "losses") if not hasattr(module, chosen.prefix + f)]
        missing += [f for f in ("energy", "score") if not hasattr(module, f)]
        if missing:
            raise BuildError(what=f"the module has no {several(missing, str)}", hint="smgen build --functions usual")
        noisy = SIGMA in chosen.given
        if noisy != (settings.sigma is not None):
            what = "takes a noise level" if noisy else "takes no noise level"
            hint = "sigma=0.1, or sigma=(0.01, 1.0); in units of the transformed data" if noisy else "leave sigma out"
            raise BuildError(what=f"the {chosen.name} loss {what}", hint=hint)
        if settings.lam and not chosen.takes_lam:
            raise BuildError(what=f"the {chosen.name} loss has no λ", hint="leave lam out")
        probes = module.METADATA.get("probes")
        if probes == 1 and chosen.takes_lam and settings.lam != 0:
            what = "λ > 0 with one probe: Σ_d H_dd² has no unbiased estimate from it"
            raise BuildError(what=what, hint="--probes 2, --lam 0, or --hessian exact")
        return cls(module=module, objective=chosen, lam=settings.lam or 0.0, sigma=settings.sigma, seed=settings.seed)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that must come with the data."""
        own = {given.name for given in self.objective.given}
        return tuple(name for name in self.module.METADATA["conditions"] if name not in own)

    @property
    def takes_probes(self) -> bool:
        """Whether the module estimates δ′ along random probes."""
        return hasattr(self.module, "draw_probes")

    @property
    def is_true(self) -> bool:
        """Whether the module's own losses are exact or unbiased."""
        return bool(not self.objective.is_curved or self.module.METADATA["exact"] or self.takes_probes)

    def _given(self, lam: float, seed: object) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a loss after x."""
        places: list[Any] = [lam] if self.objective.takes_lam else []
        if SIGMA in self.objective.given:
            places.append(self.sigma)
        random = self.objective.given or (self.takes_probes and self.objective.is_curved)
        return places, {"rng": np.random.default_rng(seed)} if random else {}  # type: ignore[arg-type]

    def loss_and_grad(self, params: Mapping[str, Any], batch: Batch, step: int, workspace: Any) -> tuple[Any, Any]:
        """J of a batch and its gradient. Noise and probes follow from the seed, the step and the process."""
        places, named = self._given(self.lam, [self.seed, step, self.team.rank])
        function = getattr(self.module, f"{self.objective.prefix}loss_and_grad")
        x, given = placed(self.module, batch.x), all_placed(self.module, batch.conditions)
        result: tuple[Any, Any] = function(params, x, *places, workspace=workspace, **named, **given)
        return result

    def own_losses(self, params: Mapping[str, Any], batch: Batch, lam: float = 0.0) -> Array:
        """J of each sample as the module computes it, (N,), float64. The noise is the same in every call."""
        places, named = self._given(lam, _HELD_OUT_SEED)
        function = getattr(self.module, f"{self.objective.prefix}losses")
        x, given = placed(self.module, batch.x), all_placed(self.module, batch.conditions)
        return on_host(function(all_placed(self.module, params), x, *places, **named, **given)).astype(np.float64)

    def share(self, batch: Batch) -> Batch:
        """The samples of a batch that this process evaluates: neighbours, about as many as every other's."""
        ends = [len(batch.x) * n // self.team.size for n in (self.team.rank, self.team.rank + 1)]
        return batch if self.team.size == 1 else some_rows(batch, slice(*ends))

    def true_losses(self, params: Mapping[str, Any], batch: Batch, lam: float = 0.0) -> Array:
        """J of each sample, (N,), float64: the module's own if that is true, or with δ′ estimated along probes."""
        if self.is_true:
            return self.own_losses(params, batch, lam)

        given, params = all_placed(self.module, batch.conditions), all_placed(self.module, params)

        def score(x: Array) -> Array:
            there = placed(self.module, np.ascontiguousarray(x))
            return on_host(self.module.score(params, there, **given)).astype(np.float64)

        x = batch.x.reshape(len(batch.x), -1).astype(np.float64)
        delta = -score(batch.x).reshape(x.shape)
        constant, first, second = (
            np.broadcast_to(part(delta, x), x.shape) for part in _coefficients(self.objective, lam)
        )
        rng = np.random.default_rng(_HELD_OUT_SEED)
        estimates = np.array([curvature(score, batch.x, rng) for _ in range(TRACE_PROBES)])
        mean = estimates.mean(axis=0)
        square = (TRACE_PROBES * mean**2 - (estimates**2).mean(axis=0)) / (TRACE_PROBES - 1)
        return np.asarray((constant + first * mean + second * square).sum(axis=1))


def curvature(score: Callable[[Array], Array], x: Array, rng: np.random.Generator) -> Array:
    """An estimate of the diagonal H_dd of each sample, (N, D): v ∘ (score(x − h v) − score(x + h v)) / 2h.

    v is random with entries ±1, so that the estimate is unbiased up to O(h²); two of them are independent, and their
    product estimates H_dd². h is the cube root of the rounding error of x, in units of the spread of its columns.
    """
    rows = x.reshape(len(x), -1)
    v = rng.integers(0, 2, rows.shape) * 2.0 - 1.0
    h = difference_step(rows)
    ahead, behind = ((rows + sign * h * v).astype(x.dtype) for sign in (1, -1))
    change = (score(behind.reshape(x.shape)) - score(ahead.reshape(x.shape))).reshape(rows.shape)
    return np.asarray(change / (ahead.astype(np.float64) - behind))


def difference_step(rows: Array) -> Array:
    """A step for central differences along each column of samples (N, D), (D,).

    ε^⅓ of the column's spread, where truncation and rounding are alike; never less than a few units in its last place.
    A column that does not vary, or of one sample, has its size for a spread.
    """
    eps, wide = float(np.finfo(rows.dtype).eps), rows.astype(np.float64)
    size = np.abs(wide).max(axis=0)
    spread = wide.std(axis=0)
    spread = np.where(spread > 1e-6 * size, spread, np.where(size > 0, size, 1.0))
    return np.asarray(np.maximum(eps ** (1 / 3) * spread, 16 * eps * size))


def _coefficients(objective: Objective, lam: float) -> tuple[Callable[..., Any], ...]:
    """a, b and c of an objective a + b δ′ + c δ′², as functions of arrays δ and x."""
    parts = objective.parts("J", sp.Float(lam))
    spelled = [{"choose": lambda a, b, then, other: np.where(a < b, then, other), "log1p": np.log1p}, "numpy"]
    return tuple(sp.lambdify((DELTA, X), part, spelled) for part in (parts.of_delta, parts.first, parts.second))
