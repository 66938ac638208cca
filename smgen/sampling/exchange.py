"""Exchange of positions between neighbouring temperatures."""

from __future__ import annotations

import numpy as np

from smgen.sampling.box import Floats
from smgen.sampling.hamiltonian import HamiltonianChains


class Exchange:
    """Swaps of neighbours, in turn (0, 1), (2, 3), … and (1, 2), (3, 4), …

    Chains at x with 1/T = β and at x′ with β′ change places with probability min(1, exp((β − β′)(E(x) − E(x′)))),
    which leaves the product of their densities invariant (Geyer 1991). Taking turns carries chains from end to end
    faster than drawing the pairs at random (Okabe et al. 2001; Syed et al. 2022).
    """

    def __init__(self, chains: HamiltonianChains) -> None:
        self._chains, self._turn = chains, 0
        pairs = len(chains.betas) - 1
        self._sums, self._counts = np.zeros(pairs), np.zeros(pairs)

    def swap(self) -> None:
        """Try the swaps whose turn it is, in every chain."""
        point, betas = self._chains.point, self._chains.betas[:, 0]
        for pair in range(self._turn, len(self._sums), 2):
            gain = (betas[pair] - betas[pair + 1]) * (point.energy[pair] - point.energy[pair + 1])
            probability = np.exp(np.minimum(gain, 0.0))
            swapped = self._chains.rng.random(probability.shape) < probability
            for array in (point.x, point.energy, point.score):
                kept = array[pair, swapped]
                array[pair, swapped] = array[pair + 1, swapped]
                array[pair + 1, swapped] = kept
            self._sums[pair] += probability.mean()
            self._counts[pair] += 1
        self._turn = 1 - self._turn

    def forget(self) -> None:
        """Start the rates anew, after warm-up."""
        self._sums[:], self._counts[:] = 0.0, 0.0

    @property
    def rates(self) -> Floats:
        """The mean probability of a swap with the next temperature, (G − 1,)."""
        return np.asarray(self._sums / np.maximum(self._counts, 1.0))
