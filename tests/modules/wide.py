"""A network with enough work for threads, and the backends whose modules have any."""

from __future__ import annotations

from smgen.network import Network
from tests.networks import CATALOGUE

TARGETS = ("numpy", "c")


def wide() -> Network:
    """Enough work for threads, in tiles of their own and together on one."""
    return CATALOGUE["deep"]()
