"""What `sample` returns."""

from __future__ import annotations

from dataclasses import dataclass

from smgen.density import Array
from smgen.sampling.problem import Rung


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Samples of a density, and how far they can be trusted."""

    values: Array
    """The samples, (count, D): the first draws of all chains, then the second ones, …; in the density's dtype."""
    chains: Array
    """All draws, (chains, draws, D)."""
    acceptance: float | None
    """The mean acceptance probability after warm-up, at temperature 1; None for unadjusted methods."""
    step_size: float
    """The step ε after warm-up, at temperature 1; that of the last noise level for method='annealed'."""
    r_hat: float | None
    """The worst coordinate's rank-normalised split R-hat; None without ArviZ, below four draws, or for one chain."""
    effective_samples: float | None
    """The least coordinate's effective number of independent draws in `chains`; None without ArviZ or so few draws."""
    ladder: tuple[Rung, ...]
    """What happened at each temperature; empty unless tempered."""
    seconds: float
    warnings: tuple[str, ...]
    """Reasons to distrust the samples, also issued as `SamplingWarning`."""

    @property
    def swap_rates(self) -> tuple[float, ...] | None:
        """The mean probability of a swap of each temperature with the next one; None unless tempered."""
        return tuple(rung.swap_rate for rung in self.ladder if rung.swap_rate is not None) or None
