"""The numbers: as a value, as JSON and as tables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from examples.field_of_experts.plan import SIGMA
from examples.field_of_experts.restoring import Choice
from smgen.demo.files import replaced
from smgen.demo.results import ImageNumbers
from smgen.report.tables import Table, put


@dataclass(frozen=True)
class Learned:
    """One field. J is per pixel, of noisy patches at λ = 0; the PSNR is of its posterior mean, foreseen from J."""

    noise: float
    lam: float
    loss_training: float
    loss_held_out: float
    psnr_foreseen: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that was measured."""

    seed: int
    quick: bool
    backend: str
    denoiser: Learned
    prior: Learned
    choice: Choice
    denoising: tuple[ImageNumbers, ...]
    enlarging: tuple[ImageNumbers, ...]
    seconds: float
    files: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        with replaced(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def report(results: Results, console: Console) -> None:
    """Print the tables, how the prior was weighted, and where the pictures are."""
    choice = results.choice
    lines = (
        f"PSNR on training photographs by w: {_tried(choice.psnr_of_weights)}; the best is taken",
        f"PSNR on training photographs by s: {_tried(choice.psnr_of_widths)}; the best is taken",
        "Settings of total variation, wavelets and non-local means: the best for the very photograph.",
        f"{results.seconds:.0f} s in all, backend {results.backend}; wrote {', '.join(results.files)}",
    )
    denoising = _table(f"Denoising, σ = {255 * SIGMA:.0f}/255: PSNR in dB (SSIM)", results.denoising)
    enlarging = _table("Enlarging twice from means of 2 × 2 pixels: PSNR in dB (SSIM)", results.enlarging)
    put(console, _learned(results), "", denoising, "", enlarging, "", *lines)
    if results.quick:
        put(console, Text("--quick: hardly trained; the numbers and pictures mean nothing.", "yellow"))


def _tried(outcomes: dict[str, float]) -> str:
    return ", ".join(f"{setting}: {value:.2f}" for setting, value in outcomes.items())


def _learned(results: Results) -> Table:
    right = ("noise", "λ", "J, training", "J, held out", "time")
    table = Table("Fields of experts; J per pixel at λ = 0", ("field", *right), right=right)
    for name, field in (("denoiser", results.denoiser), ("prior", results.prior)):
        numbers = f"{field.loss_training:.4f}", f"{field.loss_held_out:.4f}", f"{field.seconds:.0f} s"
        table.add_row(name, f"{255 * field.noise:.0f}/255", f"{field.lam:g}", *numbers)
    return table


def _table(title: str, photographs: tuple[ImageNumbers, ...]) -> Table:
    names = tuple(numbers.image for numbers in photographs)
    table = Table(title, ("method", *names), right=names)
    for row in zip(*(numbers.methods for numbers in photographs), strict=True):
        style = "bold" if row[0].name.startswith("field") else ""
        cells = (row[0].name, *(f"{method.psnr:.2f} ({method.ssim:.3f})" for method in row))
        table.add_row(*(Text(cell, style) for cell in cells))
    return table
