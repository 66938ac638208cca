"""The numbers, as a value, as JSON and as tables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smgen.demo.files import replaced
from smgen.report.tables import Table, put


@dataclass(frozen=True, kw_only=True)
class FilterNumbers:
    """One set of filters. J is on patches of held-out photographs at λ = 0."""

    patch: int
    inputs: int
    filters: int
    loss_before: float
    loss_after: float
    largest_overlap: float  # max |w_i·w_j| of normalised filters on whitened patches
    overlaps_above_half: int  # pairs with |w_i·w_j| > ½
    pairs: int
    oriented: float  # share of filters with most of their spectrum along one direction
    seconds: float


@dataclass(frozen=True, kw_only=True)
class DenoiserNumbers:
    """The denoiser's training. J is on noisy patches; PSNR in dB is of single patches, before overlaps are averaged."""

    patch: int
    filters: int
    sigma: float
    loss_before: float
    loss_after: float
    psnr_foreseen: float  # from J alone
    psnr_of_patches: float  # against the clean patches
    seconds: float


@dataclass(frozen=True)
class Method:
    """One denoiser on one image."""

    name: str
    psnr: float
    ssim: float
    setting: str = ""


@dataclass(frozen=True)
class ImageNumbers:
    """All denoisers on one held-out photograph, the same noise for all."""

    image: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything the demonstration measured."""

    seed: int
    quick: bool
    filters: FilterNumbers
    small: FilterNumbers
    denoiser: DenoiserNumbers
    images: tuple[ImageNumbers, ...]
    seconds: float
    files: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        with replaced(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def report(results: Results, console: Console) -> None:
    """Print the tables, what they mean, and where the pictures are."""
    denoiser, small = results.denoiser, results.small
    above = (
        f"{small.overlaps_above_half} of {small.pairs} pairs are above"
        if small.overlaps_above_half
        else "none is above"
    )
    lines = (
        f"Hyvärinen (2005, §3.3): |w·w′| < 0.5 for all pairs of 200 filters of 8×8 patches; here {above}.",
        "The other methods know σ, and their settings are the best for the very image they are judged by.",
        f"Denoiser: J {denoiser.loss_before:.2f} → {denoiser.loss_after:.2f} on held-out noisy patches.",
        f"Single patches: {denoiser.psnr_foreseen:.2f} dB foreseen from J, {denoiser.psnr_of_patches:.2f} dB measured.",
        f"{results.seconds:.0f} s in all; wrote {', '.join(results.files)}",
    )
    put(console, _filter_table(results), "", _denoising_table(results), "", *lines)
    if results.quick:
        put(console, Text("--quick: hardly trained; the numbers and pictures mean nothing.", "yellow"))


def _filter_table(results: Results) -> Table:
    columns = ("patches", "filters", "J before", "J after", "max |w·w′|", "pairs > ½", "oriented", "time")
    table = Table("Filters of photographs, J on held-out ones", columns, right=columns)
    for n in (results.filters, results.small):
        table.add_row(
            f"{n.patch}×{n.patch}",
            f"{n.filters} on {n.inputs}",
            f"{n.loss_before:.1f}",
            f"{n.loss_after:.1f}",
            f"{n.largest_overlap:.2f}",
            f"{n.overlaps_above_half / n.pairs:.2%}",
            f"{n.oriented:.0%}",
            f"{n.seconds:.0f} s",
        )
    return table


def _denoising_table(results: Results) -> Table:
    title = f"Denoising, σ = {255 * results.denoiser.sigma:.0f}/255: PSNR in dB (SSIM)"
    images = tuple(numbers.image for numbers in results.images)
    table = Table(title, ("method", *images), right=images)
    for row in zip(*(numbers.methods for numbers in results.images), strict=True):
        cells = (f"{method.psnr:.2f} ({method.ssim:.3f})" for method in row)
        style = "bold" if row[0].name == "smgen" else ""
        table.add_row(*(Text(cell, style) for cell in (row[0].name, *cells)))
    return table
