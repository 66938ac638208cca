"""The command line. Everything heavy is imported by the command that needs it, so that `--help` answers at once.

Exit codes: 0 done, 1 a check failed, 2 the input or the options are wrong.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from smgen import __version__
from smgen.errors import BuildError, SmgenError, SmgenWarning

app = typer.Typer(
    name="smgen",
    help="A compiler for score matching: from an energy network in net.py to a module with its exact gradient.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True, soft_wrap=True, highlight=False)

Net = Annotated[
    Path, typer.Argument(help="The network description. It is Python and is run: only use files you trust.")
]
Backend = Annotated[
    str, typer.Option("--backend", help="What the module runs on: numpy, c (compiled at first use) or cuda (CuPy).")
]
Dtype = Annotated[str, typer.Option("--dtype", help="float32 or float64; the module computes in it throughout.")]
HessianMode = Annotated[
    str | None,
    typer.Option(
        "--hessian",
        help="How δ′ is computed: diagonal (the paper's recursion; the default where it is exact), exact or hutchinson.",
    ),
]
Probes = Annotated[int, typer.Option("--probes", help="With --hessian hutchinson: random probes for each sample.")]
Distribution = Annotated[str, typer.Option("--distribution", help="Of the probes: rademacher (±1) or gaussian.")]
Memory = Annotated[
    int | None,
    typer.Option("--memory", help="MiB a call may take beside data and results; a quarter of what is free by default."),
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", help="Samples of a typical batch: what the cost model decides for; any size works."),
]


@contextmanager
def _reported() -> Iterator[None]:
    """Show the compiler's warnings and the user's mistakes on stderr, without a traceback."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            warnings.simplefilter("always", SmgenWarning)
            try:
                yield
            finally:
                for message in dict.fromkeys(str(entry.message) for entry in caught):
                    err.print(Text.assemble(("warning:", "bold yellow"), " ", message))
    except SmgenError as error:
        err.print(Text.assemble(("error:", "bold red"), " ", str(error)))
        raise typer.Exit(2) from None


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"smgen {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


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

    with _reported():
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
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random parameters and data.")] = 0,
) -> None:
    """Check a network's module: gradient by Taylor order, numbers against their definitions."""
    from rich.table import Table

    from smgen.build import Options, compiled
    from smgen.check import check as findings

    with _reported():
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
        typer.echo(f"The recursion is {verdict}: {module.METADATA['reason']}.")
    if not passed:
        raise typer.Exit(1)


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

    with _reported():
        options = Options("numpy", dtype, hessian, batch_size, probes, distribution, memory)
        network, _ = prepared(net, options)
        if json:
            typer.echo(view.as_json(network, options))
        elif schedule:
            typer.echo(view.as_schedules(network, options), nl=False)
        else:
            view.show(out, network, options)


@app.command()
def bench(
    net: Net,
    dtype: Dtype = "float32",
    samples: Annotated[list[int] | None, typer.Option("--samples", min=1, help="Batch sizes; 1024.")] = None,
    lam: Annotated[list[float] | None, typer.Option("--lam", min=0.0, help="Weights of the regulariser; 0.1.")] = None,
    backend: Annotated[list[str] | None, typer.Option("--backend", help="numpy, c; both.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="jax, torch, torch.compile, literal (NumPy); all but torch.compile."),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds that the contenders take turns in.")] = 7,
    seconds: Annotated[float, typer.Option("--seconds", min=0.0, help="Seconds of a turn.")] = 0.15,
) -> None:
    """Time NET's modules against the same step in JAX, PyTorch and plain NumPy. Options can be given several times."""
    from smgen.bench.command import bench as compare
    from smgen.build import Options, prepared

    with _reported():
        options = Options("numpy", dtype, "diagonal", (samples or [1024])[0])
        network, facts = prepared(net, options)
        compare(
            out,
            network,
            facts.name,
            dtype=dtype,
            samples=samples or [1024],
            lams=lam or [0.1],
            backends=backend or (),
            against=against or (),
            rounds=rounds,
            seconds=seconds,
        )


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="Where to write the description.")] = Path("net.py"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented description to start from."""
    from smgen.files import write
    from smgen.render import render

    with _reported():
        if path.exists() and not force:
            raise BuildError(origin=str(path), what="exists already", hint="name another file, or --force")
        write(path, render("shared/net.py.j2", None))
        typer.echo(f"wrote {path}; next: smgen show {path}, then smgen build {path}")


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
    with _reported():
        try:
            from smgen.demo import report, run
        except ImportError as error:
            raise BuildError(what=f"the demo needs {error.name}", hint="pip install 'smgen[demo]'") from error
        results = run(output, seed=seed, quick=quick, console=out)
        report(results, out)


def main() -> None:
    """The `smgen` command. What a terminal cannot show (δ in ASCII) is escaped, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
