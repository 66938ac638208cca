"""A field of experts: python -m examples.field_of_experts [-o FOLDER] [--seed N] [--quick]

Learns a translation-invariant energy of photographs by score matching, with modules that smgen builds, and restores
photographs that it did not learn from: noise is removed, and pictures of half the size are enlarged.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from smgen.demo.requirements import require
from smgen.errors import SmgenError


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, run the experiment, report."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.field_of_experts", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("field-of-experts"), help="folder of what is written")
    parser.add_argument("--seed", type=int, default=0, help="of first parameters, patches and noise")
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; little is learned")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error("--seed must not be negative")
    try:
        run(options.output, options.seed, options.quick, Console(highlight=False))
    except (OSError, SmgenError) as error:
        raise SystemExit(f"error: {error}") from None


def run(folder: Path, seed: int, quick: bool, console: Console) -> None:
    """The experiment and its report. Raises `DemoUnavailable` if a package is missing."""
    require()
    from examples.field_of_experts import experiment, report

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def ticker(title: str, steps: int) -> Callable[[], None]:
            task = progress.add_task(title, total=steps)
            return lambda: progress.advance(task)

        results = experiment.run(folder, seed, quick, ticker)
    report.report(results, console)


if __name__ == "__main__":
    main()
