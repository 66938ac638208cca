"""The pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from examples.field_of_experts.model import Field
from examples.field_of_experts.nets import SIDE
from smgen.demo.arrays import Array
from smgen.demo.files import replaced
from smgen.demo.pictures import mosaic
from smgen.demo.results import ImageNumbers

WINDOW = (slice(30, 222), slice(140, 332))
"""The part of the first held-out photograph that is drawn."""


def draw_filters(path: Path, fields: Mapping[str, Field]) -> None:
    """The filters of each field, those of the strongest experts first, each scaled to black and white."""
    figure = Figure(figsize=(5.5 * len(fields), 4.8), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(fields)))
    for panel, (title, field) in zip(panels, fields.items(), strict=True):
        panel.imshow(mosaic(field.filters()[0], SIDE, columns=8), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        panel.set_title(title)
        panel.set_axis_off()
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=110)


def draw_methods(path: Path, clean: Array, numbers: ImageNumbers, images: Mapping[str, Array], columns: int) -> None:
    """A part of the photograph, and what each method made of it."""
    panels = {f"{numbers.image}, not learned from": clean}
    for method in numbers.methods:
        panels[f"{method.name}\n{method.psnr:.2f} dB, SSIM {method.ssim:.3f}"] = images[method.name]
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.4 * columns, 3.9 * rows), layout="constrained")
    places = figure.subplots(rows, columns).ravel()
    for place in places:
        place.set_axis_off()
    for place, (title, image) in zip(places, panels.items(), strict=False):
        shown = image[WINDOW] if min(image.shape) > WINDOW[1].stop else image
        place.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        place.set_title(title)
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=100)
