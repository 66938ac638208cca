"""The command about pages: report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from smgen.cli.models import Folder, conditions_of, source_of
from smgen.cli.options import app, out, reported, running
from smgen.errors import BuildError, SmgenError

if TYPE_CHECKING:
    from smgen.models import Model


@app.command()
def report(
    model: Folder,
    data: Annotated[
        str | None, typer.Option("--data", help="Samples that the model did not learn from, a file.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write the page.")] = Path("report.html"),
    most: Annotated[int, typer.Option("--most", min=2, help="The most samples of the data that are used.")] = 10_000,
    samples: Annotated[
        bool, typer.Option("--samples/--no-samples", help="Draw samples of the model, and show them.")
    ] = True,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many samples to draw.")] = 1000,
    method: Annotated[str | None, typer.Option("--method", help="hmc, mala, langevin, annealed or tempering.")] = None,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="NAME=NUMBER of a condition of the network.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the samples.")] = 0,
    trust: Annotated[
        bool, typer.Option("--trust/--no-trust", help="Run the folder's net.py; without, what needs it is left out.")
    ] = True,
) -> None:
    """Write a page about the model in a folder: one HTML file with its network, training, samples and figures."""
    from smgen.models import load_model
    from smgen.pages import report as write

    with reported(), running(model):
        trained = load_model(model, trust=trust)
        rows = None
        if data is not None:
            source = source_of(data)
            rows = source.read(0, min(most, source.rows))
        conditions = conditions_of(condition)
        drawn, why_none = None, ""
        if samples and trust:
            try:
                drawn = _drawn(trained, count, rows, method, conditions, seed)
            except (SmgenError, ValueError) as error:  # of a density that cannot be sampled: the page says so
                why_none = f"No samples: {getattr(error, 'what', error)}"
        try:
            write(trained, output, data=rows, samples=drawn, conditions=conditions, why_no_samples=why_none)
        except ValueError as error:
            raise BuildError(origin=str(data), what=str(error), hint="give samples of the shape of the data") from error
        typer.echo(f"wrote {output}")


def _drawn(model: Model, count: int, data: Any, method: str | None, conditions: dict[str, float], seed: int) -> Any:
    """Samples of the model; None where it depends on a condition that was not given."""
    from smgen.applications import sample

    missing = set(model.needs_module().METADATA["conditions"]) - set(conditions)
    ranged = isinstance(model.record.training.get("sigma"), (list, tuple))
    method = method or ("annealed" if missing == {"sigma"} and ranged else "hmc")
    if missing - ({"sigma"} if method == "annealed" else set()):
        return None
    with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("sampling")
        return sample(
            model,
            count,
            method=method,
            data=data if method != "annealed" else None,
            conditions=conditions,
            seed=seed,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
