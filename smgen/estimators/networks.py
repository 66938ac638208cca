"""The network of `ScoreMatching` unless the user gives one, and what may be given instead."""

from __future__ import annotations

from typing import Any, Final

import smgen as sm
from smgen.network import Network

EXPERTS: Final = 2
"""Experts a dimension; at least `FEWEST` in all."""

FEWEST: Final = 16

ONE: Final = 0.5413248546129181
"""softplus of it is 1."""


def default_network(features: int) -> Network:
    """Experts around a Gaussian, of z with `features` values.

    E(z) = ½ Σ_d softplus(b_d) z_d² + Σ_j α_j log cosh(w_j·z + c_j)

    log cosh grows linearly, so that the Gaussian confines the density whatever sign α_j has: α_j < 0 parts modes. The
    α_j start at random with both signs: from 1 they do not find them. The diagonal recursion is exact for this energy.
    """
    z = sm.input(features)
    count = max(FEWEST, EXPERTS * features)
    experts = sm.logcosh(sm.linear(z, count, name="filters"))
    precision = sm.softplus(sm.parameter(features, init=ONE, name="precision"))
    return Network(energy=[sm.parameter(count, name="strengths") * experts, 0.5 * precision * sm.square(z)])


def described(network: Any, features: int) -> object:
    """What `smgen.fit` takes: the default for None, what a function of the number of features returns, or as given."""
    if network is None:
        return default_network(features)
    return network(features) if callable(network) else network
