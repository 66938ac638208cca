"""Samplers: draws from exp(−E(x)) for energies of trained networks, all chains in one batch.

    from smgen.sampling import sample

    samples = sample(density, 1000, method="hmc", bounds=(0, None))
    samples.values  # (1000, D)

`sample` checks its arguments (checks, box, starts), looks up the method's settings (methods), runs the method, and
judges the draws (diagnostics). HMC, MALA and parallel tempering are one transition (hamiltonian, leapfrog) with
different settings, adapted by warmup and dual_averaging; Langevin and annealed sampling share walk.
"""

from __future__ import annotations

from smgen.sampling.checks import geometric as geometric
from smgen.sampling.entry import sample as sample
from smgen.sampling.errors import SamplingError as SamplingError
from smgen.sampling.errors import SamplingWarning as SamplingWarning
from smgen.sampling.methods import METHODS as METHODS
from smgen.sampling.problem import Rung as Rung
from smgen.sampling.samples import Samples as Samples
