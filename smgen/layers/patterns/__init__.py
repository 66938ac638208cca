"""How many paths lead from the inputs to the units of a layer, without the matrix of all pairs."""

from smgen.layers.patterns.paths import Paths
from smgen.layers.patterns.supports import Support

__all__ = ["Paths", "Support"]
