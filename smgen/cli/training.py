"""The commands about models: fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smgen.cli.options import (
    Distribution,
    Dtype,
    HessianMode,
    Memory,
    Net,
    Probes,
    app,
    finite,
    given,
    out,
    reported,
    running,
)
from smgen.errors import BuildError

Data = Annotated[
    str,
    typer.Option(
        "--data",
        help="Samples: .npy, .npz, .csv, .parquet, .h5 or .zarr, FILE:NAME of several arrays, or a folder of images.",
    ),
]


@app.command()
def fit(
    net: Net,
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the model.")] = Path("model"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the latest checkpoint in the folder.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Train anew in a folder that is not empty.")] = False,
    objective: Annotated[
        str, typer.Option("--objective", help="hyvarinen, denoising, or generalised:H for data within bounds.")
    ] = "hyvarinen",
    hessian: HessianMode = None,
    probes: Probes = 1,
    distribution: Distribution = "rademacher",
    lam: Annotated[
        str, typer.Option("--lam", help="λ of Hyvärinen's loss; auto: the one with the least held-out loss.")
    ] = "0",
    sigma: Annotated[
        str | None, typer.Option("--sigma", help="Noise of the denoising loss, 0.1, or a range of it, 0.01:1.")
    ] = None,
    backend: Annotated[
        str | None, typer.Option("--backend", help="numpy, c or cuda; C where it runs and NumPy elsewhere by default.")
    ] = None,
    dtype: Dtype = "float32",
    memory: Memory = None,
    whiten: Annotated[
        str | None,
        typer.Option("--whiten", help="Before training: none, scale, standardise (the default), rotate, pca, zca."),
    ] = None,
    without_mean: Annotated[
        bool, typer.Option("--without-mean", help="Take off each sample its own mean: patches of photographs.")
    ] = False,
    levels: Annotated[
        float,
        typer.Option("--levels", min=0.0, callback=finite, help="Step of whole numbers or grey levels: noise over it."),
    ] = 0.0,
    held_out: Annotated[
        float | None, typer.Option("--held-out", help="Share of the samples to hold out; a tenth, at most 10,000.")
    ] = None,
    patch: Annotated[
        int | None, typer.Option("--patch", help="Of a folder of images: the side of the patches.")
    ] = None,
    patches: Annotated[int, typer.Option("--patches", help="Of a folder of images: how many patches.")] = 100_000,
    optimiser: Annotated[str, typer.Option("--optimiser", help="adam, or lbfgs on all samples in each step.")] = "adam",
    steps: Annotated[int, typer.Option("--steps", help="The most steps.")] = 5000,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Samples of a step; 512.")] = None,
    rate: Annotated[float, typer.Option("--rate", help="Step size of Adam.")] = 0.01,
    schedule: Annotated[
        str, typer.Option("--schedule", help="How the rate falls: cosine, linear or constant.")
    ] = "cosine",
    warmup: Annotated[int, typer.Option("--warmup", help="Steps in which the rate rises from 0.")] = 0,
    decay: Annotated[float, typer.Option("--decay", help="Weight decay, apart from the gradient.")] = 0.0,
    clip: Annotated[float, typer.Option("--clip", help="Greatest norm of a gradient; 0 for none.")] = 0.0,
    average: Annotated[float, typer.Option("--average", help="β of the moving average of the parameters.")] = 0.999,
    patience: Annotated[
        int, typer.Option("--patience", help="Evaluations clearly worse than the best before it stops; 0: never.")
    ] = 20,
    evaluations: Annotated[int, typer.Option("--evaluations", help="Evaluations of the held-out samples in all.")] = 50,
    unit_rows: Annotated[
        list[str] | None, typer.Option("--unit-rows", help="A parameter whose rows are held at unit length.")
    ] = None,
    page: Annotated[bool, typer.Option("--report/--no-report", help="Draw samples, and write report.html.")] = True,
    save_every: Annotated[float, typer.Option("--save-every", help="Seconds between two checkpoints.")] = 30.0,
    seed: Annotated[int, typer.Option("--seed", help="Of parameters, order, noise and probes.")] = 0,
) -> None:
    """Train NET on samples by score matching, and write the model to a folder. Ctrl-C keeps the best so far."""
    from smgen.cli.models import npy_bytes
    from smgen.cli.report import write_page
    from smgen.files import write_bytes
    from smgen.training.fitting import train
    from smgen.training.team import team

    with reported(), running(net), given(str(net)):
        trained = train(
            net,
            data,
            folder=output,
            resume=resume,
            force=force,
            save_every=save_every,
            console=out,
            objective=objective,
            hessian=hessian,
            probes=probes,
            distribution=distribution,
            lam=None if lam == "auto" else _number("--lam", lam),
            sigma=None if sigma is None else _range("--sigma", sigma),
            **({} if backend is None else {"backend": backend}),
            dtype=dtype,
            **({} if memory is None else {"memory": memory}),
            whiten=whiten,
            without_mean=without_mean,
            levels=levels,
            held_out=held_out,
            patch=patch,
            count=patches,
            optimiser=optimiser,
            steps=steps,
            batch_size=batch_size,
            rate=rate,
            schedule=schedule,
            warmup=warmup,
            decay=decay,
            clip=clip,
            average=average,
            patience=patience,
            evaluations=evaluations,
            unit_rows=tuple(unit_rows or ()),
            seed=seed,
        )
        if team().rank:
            return  # the first process says it
        model, batch = trained.model, trained.held_out
        result = model.record.result
        best = (
            ""
            if result["held_out"] is None
            else f", held-out loss {result['held_out']:.5g} at step {result['best_step']}"
        )
        out.print(f"{result['stopped']}; {result['steps']} steps in {result['seconds']:.1f} s{best}", highlight=False)
        written = [str(output)]
        if page:
            rows = None if batch is None else model.outer(batch.x.reshape(len(batch.x), -1))
            drawn = write_page(model, output / "report.html", rows, {}, 1000, None, seed)
            written.append(f"{output / 'report.html'}, to look at")
            if drawn is not None:
                write_bytes(output / "samples.npy", npy_bytes(drawn.values))
                written.append(f"{output / 'samples.npy'}")
        for path in written:
            typer.echo(f"wrote {path}")


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BuildError(what=f"{option} {text}: no number", hint="0.01, for example") from None


def _range(option: str, text: str) -> float | tuple[float, float]:
    low, colon, high = text.partition(":")
    return (_number(option, low), _number(option, high)) if colon else _number(option, low)
