"""The command about pages: report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from smgen.cli.models import Folder, conditions_of, source_of
from smgen.cli.options import app, given, out, reported, running
from smgen.errors import BuildError, SmgenError

if TYPE_CHECKING:
    from smgen.models import Model


@app.command()
def report(
    model: Folder,
    data: Annotated[
        str | None, typer.Option("--data", help="Samples that the model did not learn from, a file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write the page; report.html in the folder.")
    ] = None,
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

    with reported(), running(model), given(str(model)):
        trained = load_model(model, trust=trust)
        rows = None
        if data is not None:
            source = source_of(data)
            rows = source.read(0, min(most, source.rows))
        path = output or model / "report.html"
        write_page(trained, path, rows, conditions_of(condition), count if samples and trust else 0, method, seed)
        typer.echo(f"wrote {path}")


def write_page(
    model: Model, path: Path, data: Any, conditions: dict[str, float], count: int, method: str | None, seed: int
) -> Any:
    """Write the page about a model with `count` samples of it, and return these. Raises `SmgenError`."""
    from smgen.pages import report as write

    drawn, why_none = None, ""
    if count:
        try:
            drawn = _drawn(model, count, data, method, conditions, seed)
        except (SmgenError, ValueError) as error:  # of a density that cannot be sampled: the page says so
            if method is not None:
                raise
            why_none = f"No samples: {getattr(error, 'what', error)}"
    try:
        write(model, path, data=data, samples=drawn, conditions=conditions, why_no_samples=why_none)
    except ValueError as error:
        hint = "give samples of the shape of the data"
        raise BuildError(origin=str(path), what=str(error), hint=hint) from error
    return drawn


def _drawn(model: Model, count: int, data: Any, method: str | None, conditions: dict[str, float], seed: int) -> Any:
    """Samples of the model; None where it depends on a condition that was not given.

    Without a method, Hamiltonian Monte Carlo is tried, and tempering where its chains disagree.
    """
    import warnings

    from smgen.applications import sample
    from smgen.sampling import SamplingWarning

    missing = set(model.needs_module().METADATA["conditions"]) - set(conditions)
    ranged = isinstance(model.record.training.get("sigma"), (list, tuple))
    annealed = method == "annealed" or (method is None and missing == {"sigma"} and ranged)
    if missing - ({"sigma"} if annealed else set()):
        return None
    with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("sampling")

        def draw(chosen: str) -> Any:
            return sample(
                model,
                count,
                method=chosen,
                data=None if annealed else data,
                conditions=conditions,
                seed=seed,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )

        if annealed or method is not None:
            return draw(method or "annealed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)  # the page has them
            first = draw("hmc")
            if not first.warnings:
                return first
            second = draw("tempering")
    return second if (second.r_hat or 9.0) < (first.r_hat or 9.0) else first
