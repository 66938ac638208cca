"""A network: the graph, its names, and the file that describes it."""

from __future__ import annotations

from smgen.layers.protocol import Vertex
from smgen.network.graph import Network

__all__ = ["Network", "Vertex"]
