"""The figure: the learned score fields beside the true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes as Panel
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from examples.deep_is_a_trap import mixture
from examples.deep_is_a_trap.experiment import MODES, NETS, Cell
from smgen.demo.arrays import Array, Batch, Floats
from smgen.demo.files import replaced

EDGE: Final = 3.0
ARROWS: Final = 15
PIXELS: Final = 150

RARE: Final = 7.0
"""Where log p is further than this below its maximum the panels are white: no data there, and anything fits."""

LENGTHS: Final = (0.2, 50.0)
"""The range of the colours; the true ‖∇ log p‖ is at most some 7 where there are data."""


def draw(path: Path, cells: Sequence[Cell]) -> None:
    """A row for each depth: the true field, then that of each mode. The cells are all of one λ."""
    figure = Figure(figsize=(12.6, 8.9), layout="constrained")
    panels = figure.subplots(len(NETS), 1 + len(MODES), sharex=True, sharey=True)
    by_name = {(cell.depth, cell.mode): cell for cell in cells}
    for row, depth in zip(panels, NETS, strict=True):
        mesh = _field(row[0], mixture.score)
        row[0].set_title("the truth")
        row[0].set_ylabel(f"{depth} hidden layer{'s' if depth > 1 else ''}")
        for panel, mode in zip(row[1:], MODES, strict=True):
            cell = by_name[depth, mode]
            _field(panel, cell.score)
            panel.set_title(f"{mode}: F = {cell.divergence:.2g}")
    figure.colorbar(mesh, ax=panels, label="length of the score", extend="both", shrink=0.6)
    figure.suptitle(f"Scores of four Gaussians, learned at λ = {cells[0].lam:g}. F: Fisher divergence from the truth")
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _field(panel: Panel, score: Callable[[Batch], Floats]) -> QuadMesh:
    """The length of the score as colour, its direction as arrows of one length."""
    fine, coarse = _grid(PIXELS), _grid(ARROWS)
    lengths = np.linalg.norm(score(fine), axis=1)
    side = fine[:PIXELS, 0]
    shown = np.where(_common(fine), lengths, np.nan).reshape(PIXELS, PIXELS)
    mesh = panel.pcolormesh(side, side, shown, norm=LogNorm(*LENGTHS), cmap="viridis", rasterized=True)
    places = coarse[_common(coarse)]
    arrows = score(places)
    along = arrows / np.maximum(np.linalg.norm(arrows, axis=1), np.finfo(np.float32).tiny)[:, None]
    look = {"color": "white", "edgecolor": "0.2", "linewidth": 0.4, "width": 0.009, "scale": 1.3 * ARROWS}
    panel.quiver(*places.T, *along.T, pivot="mid", angles="xy", **look)
    panel.set_aspect("equal")
    return mesh


def _grid(count: int) -> Batch:
    ticks = np.linspace(-EDGE, EDGE, count, dtype=np.float32)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def _common(x: Batch) -> Array:
    log_density = mixture.log_density(x)
    return np.asarray(log_density > mixture.log_density(mixture.CENTRES).max() - RARE)
