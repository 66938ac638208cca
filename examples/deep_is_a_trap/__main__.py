"""Deep is a trap: python -m examples.deep_is_a_trap [-o FOLDER] [--seed N] [--quick]

Learns the score of four Gaussians in the plane with softplus networks of one, two and three hidden layers, by the
diagonal recursion, by the exact Hessian and by Hutchinson's estimate, and prints how far from the truth each is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from smgen.demo.requirements import PACKAGES, require
from smgen.errors import SmgenError

NEEDED: Final = ("matplotlib", "scipy", "threadpoolctl")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, run the experiment, report."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.deep_is_a_trap", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("deep-is-a-trap"), help="folder of what is written")
    parser.add_argument("--seed", type=int, default=0, help="of first parameters, points and probes")
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; nothing is learned")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error("--seed must not be negative")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        run(options.output, options.seed, options.quick, Console(highlight=False))
    except (OSError, SmgenError) as error:
        raise SystemExit(f"error: {error}") from None


def run(folder: Path, seed: int, quick: bool, console: Console) -> None:
    """The experiment from end to end: learn, draw, save, report. Raises `DemoUnavailable` if a package is missing."""
    require({name: PACKAGES[name] for name in NEEDED})
    from threadpoolctl import threadpool_limits

    from examples.deep_is_a_trap import experiment, mixture, pictures, report

    began, plan = time.perf_counter(), experiment.QUICK if quick else experiment.FULL
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    # The products of a step take less time than threads take to wait for each other.
    with threadpool_limits(1, user_api="blas"), Progress(*columns, console=console) as progress:
        task = progress.add_task("learning", total=plan.steps * experiment.CELLS)
        cells = tuple(experiment.run(plan, seed, lambda: progress.advance(task)))
    figures = {folder / f"scores-lambda-{lam:g}.png": lam for lam in experiment.LAMS}
    for path, lam in figures.items():
        pictures.draw(path, [cell for cell in cells if cell.lam == lam])
    results = report.Results(
        seed=seed,
        quick=quick,
        unlearned=mixture.unlearned(experiment.judges(plan, seed)),
        cells=cells,
        seconds=time.perf_counter() - began,
        files=tuple(str(path) for path in (*figures, folder / "results.json")),
    )
    results.save(folder / "results.json")
    report.report(results, console)


if __name__ == "__main__":
    main()
