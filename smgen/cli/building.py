"""The commands about a network: build, check, show."""

from __future__ import annotations

import math
from dataclasses import replace
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
    FunctionChoice,
    HessianMode,
    Memory,
    Net,
    ObjectiveChoice,
    Probes,
    app,
    finite,
    held,
    out,
    reported,
    running,
)
from smgen.errors import BuildError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from smgen.build import Options
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
    objective: ObjectiveChoice = None,
    functions: FunctionChoice = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the module; that of NET by default.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What the module and its C functions are called after, in place of NET's name."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write even if up to date, or over a foreign file.")] = False,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="With --backend c: also NET_c.c and NET_c.h, for C programs.")
    ] = False,
) -> None:
    """Compile NET to the module NET_BACKEND.py, or NET_MODE_BACKEND.py. Unchanged inputs are not rebuilt."""
    from smgen.build import Options
    from smgen.build import build as compile_network

    with reported():
        built = compile_network(
            net,
            output,
            Options(
                backend=backend,
                dtype=dtype,
                hessian=hessian,
                batch_size=batch_size,
                probes=probes,
                distribution=distribution,
                memory=memory,
                objective=objective,
                functions=functions,
            ),
            name=name,
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
    objective: ObjectiveChoice = None,
    functions: FunctionChoice = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random parameters, data and probes.")] = 0,
    data: Annotated[
        str | None,
        typer.Option("--data", help="Your samples, a file as for smgen fit: also compare the hessian modes on them."),
    ] = None,
    lam: Annotated[
        float, typer.Option("--lam", min=0.0, callback=finite, help="With --data: the weight of the regulariser.")
    ] = 0.0,
) -> None:
    """Check a network's module: gradient against the loss's slopes, numbers against their definitions.

    With --data, train shortly with every hessian mode on your samples, measure how far the diagonal recursion is from
    the Hessian before and after, and recommend a mode.
    """
    from smgen.build import Options, compiled
    from smgen.report.check import check as findings
    from smgen.report.tables import Table, put

    with reported():
        options = Options(
            backend=backend,
            dtype=dtype,
            hessian=hessian,
            batch_size=batch_size,
            probes=probes,
            distribution=distribution,
            memory=memory,
            objective=objective,
            functions=functions,
        )
        held("--lam", lam, dtype)
        if options.functions is not None:  # so that there is something to compare
            options = replace(options, functions=f"{options.functions},energy,score")
        samples = None if data is None else _samples(net, data, dtype)
        network, module = compiled(net, options)
        table = Table(f"{net} · {backend} · {dtype}, relative errors", ("", "what", "error", "at most"))
        passed = True
        with running(net):
            for finding in findings(network, module, seed):
                passed &= finding.passed
                mark = Text("ok", "green") if finding.passed else Text("FAIL", "bold red")
                table.add_row(mark, finding.what, finding.measured, finding.expected)
        put(out, table)
        put(out, _quality(network, module, options))
        if samples is not None:
            _advise(network, samples, dtype, batch_size, lam, seed)
    if not passed:
        raise typer.Exit(1)


def _quality(network: Network, module: ModuleType, options: Options) -> str:
    """A sentence about δ′ in the module's mode. Its faults have been reported by a warning."""
    from smgen.hessians import DIAGONAL, MODES, recursion_for
    from smgen.targets.build_info import NO_DELTA_PRIME

    mode, reason = MODES[module.METADATA["hessian"]], module.METADATA["reason"]
    if reason == NO_DELTA_PRIME:
        return "No function computes δ′."
    if recursion_for(network, options.objectives).flat:
        return "Of no use in training: the warning says why."
    if mode is DIAGONAL and not module.METADATA["exact"]:
        return "The recursion is inexact: the warning says why."
    quality = "unbiased" if mode.takes_probes else "exact"
    return f"The {'recursion' if mode is DIAGONAL else f'{mode.name} mode'} is {quality}: {reason}."


def _samples(net: Path, data: str, dtype: str) -> npt.NDArray[np.float64]:
    """The user's samples, read before anything is computed: rows (N, units) of `dtype`; of many, some."""
    import numpy as np

    from smgen.data.sources import open_source
    from smgen.data.split import look
    from smgen.network.netfile import load_network

    shape, source = load_network(net).input.shape, open_source(data)
    if source.shape not in (shape, (math.prod(shape),)):
        what = f"an array of shape {(source.rows, *source.shape)}"
        hint = f"samples of shape (N, {', '.join(map(str, shape))}) are expected"
        raise BuildError(origin=source.origin, what=what, hint=hint)
    with np.errstate(over="ignore"):
        samples = look(source).astype(dtype)
    if not np.isfinite(samples).all():
        what = f"not finite real numbers in {np.dtype(dtype)} throughout"
        raise BuildError(origin=source.origin, what=what, hint="clean or rescale the data")
    return samples


def _advise(
    network: Network, samples: npt.NDArray[np.float64], dtype: str, batch_size: int, lam: float, seed: int
) -> None:
    """Compare the modes on the user's samples. The network has been checked."""
    from smgen.build import Options, build_info, source
    from smgen.data import flaws
    from smgen.loader import load_source
    from smgen.report.advice import PROBES, advise, objection
    from smgen.report.advice_tables import as_tables, recommendation
    from smgen.report.tables import put

    def compile_mode(mode: str) -> ModuleType:
        info = build_info(
            network,
            Path("net.py"),
            Options(backend="numpy", dtype=dtype, hessian=mode, batch_size=batch_size, probes=PROBES),
        )
        return load_source(source(network, info), info.name)

    put(out, "")
    if against := objection(network, samples, lam):
        put(out, recommendation("", against))
        return
    for flaw in flaws(samples):
        put(out, f"Your data: {flaw}. λ > 0 keeps the loss bounded all the same.")
    put(out, *as_tables(advise(network, compile_mode, samples, lam, seed), lam))


@app.command()
def show(
    net: Net,
    dtype: Dtype = "float32",
    hessian: HessianMode = None,
    probes: Probes = 1,
    distribution: Distribution = "rademacher",
    batch_size: BatchSize = 1024,
    memory: Memory = None,
    objective: ObjectiveChoice = None,
    functions: FunctionChoice = None,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    schedule: Annotated[bool, typer.Option("--schedule", help="The operations of every function as text.")] = False,
) -> None:
    """Show a network: layers, derivatives, operations and their cost, and whether the recursion is exact."""
    from smgen.build import Options, prepared
    from smgen.report import show as view

    with reported():
        options = Options(
            backend="numpy",
            dtype=dtype,
            hessian=hessian,
            batch_size=batch_size,
            probes=probes,
            distribution=distribution,
            memory=memory,
            objective=objective,
            functions=functions,
        )
        network, _ = prepared(net, options)
        if json:
            typer.echo(view.as_json(network, options))
        elif schedule:
            typer.echo(view.as_schedules(network, options), nl=False)
        else:
            view.show(out, network, options)
