"""The table, and the file of results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from examples.deep_is_a_trap.experiment import LAMS, MODES, Cell
from smgen.demo.files import replaced


@dataclass(frozen=True)
class Results:
    """Everything that was measured. `unlearned` is ½ E‖true score‖²: F of score 0, and −J of the true one at λ = 0."""

    seed: int
    quick: bool
    unlearned: float
    cells: tuple[Cell, ...]
    seconds: float
    files: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write all but the score functions as JSON."""
        told = {f.name: getattr(self, f.name) for f in fields(self)} | {"cells": [_numbers(c) for c in self.cells]}
        with replaced(path) as temporary:
            temporary.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def report(results: Results, console: Console) -> None:
    """Print the table, what to compare it with, and where the files are."""
    console.print(_table(results.cells))
    deep = [cell for cell in results.cells if cell.depth > 1]
    worst = {mode: _short(max(cell.divergence for cell in deep if cell.mode == mode)) for mode in MODES}
    best = _short(min(cell.divergence for cell in deep if cell.mode == "diagonal"))
    bounds = ", ".join(f"{-1 / (2 * lam):.0f} at λ = {lam:g}" for lam in LAMS if lam)
    true = _short(-results.unlearned)
    lines = (
        f"The true score has F = 0 and, at λ = 0, exact J = {true}. A score of 0 has F = {_short(results.unlearned)}.",
        f"Whatever δ′ is taken for, J is not below −1/2λ: {bounds}. At λ = 0 nothing holds it.",
        f"2 and 3 hidden layers: exact F ≤ {worst['exact']}, hutchinson ≤ {worst['hutchinson']}, diagonal ≥ {best}.",
        f"{results.seconds:.0f} s in all; wrote {', '.join(results.files)}",
    )
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)
    if results.quick:
        console.print("[yellow]--quick: hardly trained; the numbers and pictures mean nothing.[/]")


def _table(cells: Sequence[Cell]) -> Table:
    table = Table(
        title="Learned from four Gaussians in the plane, judged on points not learned from", title_justify="left"
    )
    for heading in ("hidden layers", "mode", "λ", "J by the recursion", "exact J", "Fisher divergence F"):
        table.add_column(heading, justify="left" if heading == "mode" else "right")
    for cell, following in zip(cells, (*cells[1:], None), strict=True):
        table.add_row(
            str(cell.depth),
            cell.mode,
            f"{cell.lam:g}",
            _short(cell.loss_by_recursion),
            _short(cell.exact_loss),
            _short(cell.divergence),
            end_section=following is not None and (cell.depth, cell.lam) != (following.depth, following.lam),
        )
    return table


def _short(number: float) -> str:
    return f"{number:z.3f}" if abs(number) < 1000 else f"{number:.2e}"


def _numbers(cell: Cell) -> dict[str, Any]:
    return {f.name: getattr(cell, f.name) for f in fields(cell) if f.name != "score"}
