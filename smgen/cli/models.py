"""The commands about model folders: sample, evaluate."""

from __future__ import annotations

import json as json_module
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from smgen.cli.options import app, given, out, reported, running
from smgen.errors import BuildError

if TYPE_CHECKING:
    from smgen.models import Model

Folder = Annotated[
    Path,
    typer.Argument(
        help="A folder that `smgen fit` wrote. Its net.py is Python and is run: only use folders you trust."
    ),
]
Method = Annotated[str, typer.Option("--method", help="hmc, mala, langevin, annealed or tempering.")]


@app.command()
def sample(
    model: Folder,
    count: Annotated[int, typer.Option("-n", "--count", help="How many samples.")] = 1000,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write them, an .npy file.")] = Path(
        "samples.npy"
    ),
    method: Method = "hmc",
    start: Annotated[
        str | None, typer.Option("--start", help="Samples that the chains start from, a file; noise by default.")
    ] = None,
    bounds: Annotated[
        str | None, typer.Option("--bounds", help="LOW:HIGH, of all values; either may be left out, 0: is x ≥ 0.")
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="NAME=NUMBER of a condition of the network.")
    ] = None,
    chains: Annotated[int | None, typer.Option("--chains", help="Chains side by side.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of starts and steps.")] = 0,
) -> None:
    """Draw samples of the model in a folder, and say how far they can be trusted."""
    import numpy as np

    from smgen.applications import sample as draw
    from smgen.data.split import look
    from smgen.files import write_bytes

    with reported(), running(model), given(str(model)):
        if output.suffix != ".npy":
            raise BuildError(what=f"--output {output}: an .npy file is expected", hint="samples.npy, for example")
        trained = _loaded(model)
        data = None if start is None else look(source_of(start), most=100_000)
        with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
            task = progress.add_task("sampling")
            samples = draw(
                trained,
                count,
                method=method,
                data=data,
                bounds=None if bounds is None else _bounds(bounds),
                conditions=conditions_of(condition),
                chains=chains,
                seed=seed,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        write_bytes(output, npy_bytes(np.asarray(samples.values)))
        parts = [f"{len(samples.values)} samples in {samples.seconds:.1f} s"]
        parts += [f"acceptance {samples.acceptance:.2f}"] if samples.acceptance is not None else []
        parts += [f"R-hat {samples.r_hat:.3f}"] if samples.r_hat is not None else []
        parts += [f"{samples.effective_samples:.0f} effective"] if samples.effective_samples is not None else []
        out.print(", ".join(parts), highlight=False, soft_wrap=True)
        typer.echo(f"wrote {output}")


@app.command()
def evaluate(
    model: Folder,
    data: Annotated[str, typer.Option("--data", help="Samples that the model did not learn from, a file.")],
    most: Annotated[int, typer.Option("--samples", min=1, help="The most samples that are used.")] = 10_000,
    true_score: Annotated[
        str | None, typer.Option("--true-score", help="∂ log p/∂x at the samples, a file: gives the Fisher divergence.")
    ] = None,
    anomalies: Annotated[
        str | None, typer.Option("--anomalies", help="Samples of another kind, a file: how well the energy tells them.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", help="Samples of the model, a file, to compare with the data.")
    ] = None,
    normalise: Annotated[
        bool | None,
        typer.Option("--normalise/--no-normalise", help="log p: by quadrature up to 3 dimensions, else by sampling."),
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="NAME=NUMBER of a condition of the network.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Measure the model in a folder on samples that it did not learn from."""
    from smgen.applications import evaluate as measure
    from smgen.report.tables import Table, put

    with reported(), running(model), given(str(model)):
        trained = _loaded(model)
        named = {"true_score": true_score, "anomalies": anomalies, "samples": compare}
        source = source_of(data)
        rows = source.read(0, min(most, source.rows))
        others = {name: _rows(file, len(rows)) for name, file in named.items() if file is not None}
        found = measure(trained, rows, conditions=conditions_of(condition), normalise=normalise, **others)
        if json:
            typer.echo(json_module.dumps(found.facts(), indent=2, ensure_ascii=False))
            return
        table = Table(f"{model} on {found.samples} samples of {data}", ("what", "value", "note"))
        for what, value, note in found.rows():
            table.add_row(what, value, note)
        put(out, table)


def _loaded(folder: Path) -> Model:
    from smgen.models import load_model

    return load_model(folder, trust=True)


def source_of(file: str) -> Any:
    """The samples in a file, which are not read yet."""
    from smgen.data.sources import open_source

    return open_source(file)


def _rows(file: str, most: int) -> Any:
    source = source_of(file)
    return source.read(0, min(most, source.rows))


def _bounds(text: str) -> tuple[float | None, float | None]:
    low, colon, high = text.partition(":")
    try:
        ends = tuple(float(end) if end.strip() else None for end in (low, high))
    except ValueError:
        ends = ()
    if not colon or not ends:
        raise BuildError(what=f"--bounds {text}: LOW:HIGH is expected", hint="0:1, or 0: for x ≥ 0")
    return ends[0], ends[1]


def conditions_of(texts: list[str] | None) -> dict[str, float]:
    """The numbers of `--condition NAME=NUMBER`, by name. Raises `BuildError` for other texts."""
    conditions = {}
    for text in texts or ():
        name, equals, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BuildError(what=f"--condition {text}: NAME=NUMBER is expected", hint="sigma=0.1")
        conditions[name.strip()] = int(value) if value == int(value) and "." not in number else value
        if not equals:
            raise BuildError(what=f"--condition {text}: NAME=NUMBER is expected", hint="sigma=0.1")
    return conditions


def npy_bytes(array: Any) -> bytes:
    """The bytes of an .npy file."""
    from io import BytesIO

    import numpy as np

    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
