"""The other commands: bench, new, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smgen.cli.options import Distribution, Dtype, HessianMode, Net, app, finite, held, out, reported
from smgen.errors import BuildError


@app.command()
def bench(
    net: Net,
    dtype: Dtype = "float32",
    hessian: HessianMode = None,
    probes: Annotated[int, typer.Option("--probes", help="With --hessian hutchinson: probes for each sample.")] = 2,
    distribution: Distribution = "rademacher",
    samples: Annotated[list[int] | None, typer.Option("--samples", min=1, help="Batch sizes; 1024.")] = None,
    lam: Annotated[
        list[float] | None, typer.Option("--lam", min=0.0, callback=finite, help="Weights of the regulariser; 0.1.")
    ] = None,
    backend: Annotated[list[str] | None, typer.Option("--backend", help="numpy, c; both.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="jax, torch, torch.compile, literal (NumPy); all but torch.compile."),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds that the contenders take turns in.")] = 7,
    seconds: Annotated[float, typer.Option("--seconds", min=0.0, callback=finite, help="Seconds of a turn.")] = 0.15,
) -> None:
    """Time NET's modules against the same step in JAX, PyTorch and plain NumPy. Options can be given several times.

    With --hessian exact or hutchinson, the peers compute that loss by automatic differentiation of the energy.
    """
    from smgen.bench.command import bench as compare
    from smgen.build import Options, prepared
    from smgen.hessians import DIAGONAL

    with reported():
        mode = DIAGONAL.name if hessian is None else hessian
        options = Options(
            backend="numpy",
            dtype=dtype,
            hessian=mode,
            batch_size=(samples or [1024])[0],
            probes=probes,
            distribution=distribution,
        )
        for weight in lam or ():
            held("--lam", weight, dtype)
        if options.mode.takes_probes and probes == 1 and any(lam or [0.1]):
            raise BuildError(what="--probes 1 with λ > 0: Σ_d H_dd² takes two", hint="--probes 2, or --lam 0")
        network, info = prepared(net, options)
        try:
            compare(
                out,
                network,
                info.name,
                dtype=dtype,
                samples=samples or [1024],
                lams=lam or [0.1],
                backends=backend or (),
                against=against or (),
                rounds=rounds,
                seconds=seconds,
                method=options.method,
            )
        except MemoryError as error:
            raise BuildError(what="no memory for so many samples", hint="--samples with less of them") from error


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="Where to write the description.")] = Path("net.py"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    example: Annotated[
        bool, typer.Option("--example", help="An example with data, moons.npy, ready for smgen fit.")
    ] = False,
) -> None:
    """Write a commented description to start from."""
    from smgen.files import write, write_bytes
    from smgen.render import render

    with reported():
        data = path.with_name("moons.npy")
        for file in (path, data) if example else (path,):
            if file.exists() and not force:
                raise BuildError(origin=str(file), what="exists already", hint="name another file, or --force")
        if example:
            from smgen.cli.models import npy_bytes
            from smgen.data.examples import two_moons

            write(path, render("examples/moons.py.j2", path))
            write_bytes(data, npy_bytes(two_moons(50_000)))
            typer.echo(f"wrote {path} and {data}; next: smgen fit {path} --data {data} --hessian exact")
            return
        write(path, render("shared/net.py.j2", None))
        typer.echo(f"wrote {path}; next: smgen show {path}, then smgen fit {path} --data YOUR.npy")


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the pictures and results.")] = Path(
        "demo-output"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of patches, parameters and noise.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few seconds, to see that it runs; the pictures will be poor.")
    ] = False,
) -> None:
    """Learn image filters by score matching on scikit-image's photographs, and denoise a held-out one."""
    with reported():
        try:
            from smgen.demo import report, run
        except ImportError as error:
            raise BuildError(what=f"the demo needs {error.name}", hint="pip install 'smgen[demo]'") from error
        results = run(output, seed=seed, quick=quick, console=out)
        report(results, out)
