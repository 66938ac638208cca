"""The commands about a network: build, check, show."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from smgen.cli.options import (
    Backend,
    BatchSize,
    Distribution,
    Dtype,
    HessianMode,
    Memory,
    Net,
    Probes,
    app,
    out,
    reported,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from smgen.network import Network


@app.command()
def build(
    net: Net,
    backend: Backend = "numpy",
    dtype: Dtype = "float32",
    hessian: HessianMode = None,
    probes: Probes = 1,
    distribution: Distribution = "rademacher",
    batch_size: BatchSize = 1024,
    memory: Memory = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the module; that of NET by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write even if up to date, or over a foreign file.")] = False,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="With --backend c: also the header NET_c.h, for C programs.")
    ] = False,
) -> None:
    """Compile NET to the module NET_BACKEND.py. Unchanged inputs are not rebuilt."""
    from smgen.build import Options
    from smgen.build import build as compile_network

    with reported():
        built = compile_network(
            net,
            output,
            Options(backend, dtype, hessian, batch_size, probes, distribution, memory),
            force=force,
            standalone=standalone,
        )
        if built.changes:
            typer.echo(f"wrote {built.path} ({', '.join(built.changes)})")
        else:
            typer.echo(f"{built.path} is up to date")


@app.command()
def check(
    net: Net,
    backend: Backend = "numpy",
    dtype: Dtype = "float64",
    hessian: HessianMode = None,
    probes: Probes = 1,
    distribution: Distribution = "rademacher",
    batch_size: BatchSize = 1024,
    memory: Memory = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random parameters, data and probes.")] = 0,
    data: Annotated[
        Path | None, typer.Option("--data", help="Your samples, an .npy file: also compare the hessian modes on them.")
    ] = None,
    lam: Annotated[float, typer.Option("--lam", min=0.0, help="With --data: the weight of the regulariser.")] = 0.0,
) -> None:
    """Check a network's module: gradient by Taylor order, numbers against their definitions.

    With --data, train shortly with every hessian mode on your samples, measure how far the diagonal recursion is from
    the Hessian before and after, and recommend a mode.
    """
    from rich.table import Table

    from smgen.build import Options, compiled
    from smgen.check import check as findings

    with reported():
        samples = None if data is None else _samples(net, data, dtype)
        network, module = compiled(net, Options(backend, dtype, hessian, batch_size, probes, distribution, memory))
        table = Table(title=Text(f"{net} · {backend} · {dtype}"), title_justify="left")
        for column in ("", "what", "measured", "expected"):
            table.add_column(column)
        passed = True
        for finding in findings(network, module, seed):
            passed &= finding.passed
            mark = "[green]ok[/]" if finding.passed else "[bold red]FAIL[/]"
            table.add_row(mark, finding.what, finding.measured, finding.expected)
        out.print(table)
        verdict = "exact" if module.METADATA["exact"] else "inexact"
        verdict = "unbiased" if module.METADATA["hessian"] == "hutchinson" else verdict
        subject = "recursion" if module.METADATA["hessian"] == "diagonal" else f"{module.METADATA['hessian']} mode"
        typer.echo(f"The {subject} is {verdict}: {module.METADATA['reason']}.")
        if samples is not None:
            _advise(network, samples, dtype, batch_size, lam, seed)
    if not passed:
        raise typer.Exit(1)


def _samples(net: Path, data: Path, dtype: str) -> npt.NDArray[np.float64]:
    """The user's samples, before anything is computed."""
    from smgen.advice import load_data
    from smgen.netfile import load_network

    return load_data(data, load_network(net).input.units, dtype)


def _advise(
    network: Network, samples: npt.NDArray[np.float64], dtype: str, batch_size: int, lam: float, seed: int
) -> None:
    """Compare the modes on the user's samples. The network has been checked."""
    from smgen.advice import PROBES, advise
    from smgen.advice_tables import as_tables
    from smgen.build import Options, gather, sources
    from smgen.loader import load_sources

    def compile_mode(mode: str) -> ModuleType:
        facts = gather(network, Path("net.py"), Options("numpy", dtype, mode, batch_size, PROBES))
        return load_sources(sources(network, facts), facts.name)

    out.print(as_tables(advise(network, compile_mode, samples, lam, seed), lam))


@app.command()
def show(
    net: Net,
    dtype: Dtype = "float32",
    hessian: HessianMode = None,
    probes: Probes = 1,
    distribution: Distribution = "rademacher",
    batch_size: BatchSize = 1024,
    memory: Memory = None,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    schedule: Annotated[bool, typer.Option("--schedule", help="The operations of every function as text.")] = False,
) -> None:
    """Show a network: layers, derivatives, operations and their cost, and whether the recursion is exact."""
    from smgen import show as view
    from smgen.build import Options, prepared

    with reported():
        options = Options("numpy", dtype, hessian, batch_size, probes, distribution, memory)
        network, _ = prepared(net, options)
        if json:
            typer.echo(view.as_json(network, options))
        elif schedule:
            typer.echo(view.as_schedules(network, options), nl=False)
        else:
            view.show(out, network, options)
