"""The application, options that several commands have, and the display of errors.

Each command imports heavy modules itself, so that `--help` answers at once.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from smgen.errors import BuildError, SmgenError, SmgenWarning, shortened, visible
from smgen.report.tables import put

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
err = Console(stderr=True)

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
        help="How δ′ is computed: diagonal (the paper's recursion; the default if exact), exact, hutchinson.",
    ),
]
Probes = Annotated[int, typer.Option("--probes", help="With --hessian hutchinson: random probes for each sample.")]
Distribution = Annotated[str, typer.Option("--distribution", help="Of the probes: rademacher (±1) or gaussian.")]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory", help="MiB a call may take beside data, probes and results; a quarter of what is free by default."
    ),
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", help="Samples of a typical batch: what the cost model decides for; any size works."),
]
ObjectiveChoice = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="What the losses are: hyvarinen (the default), denoising, generalised:H for data within bounds; several "
        "with commas.",
    ),
]
FunctionChoice = Annotated[
    list[str] | None,
    typer.Option(
        "--functions",
        help="Only these functions, and what they need: score,loss_and_grad or one a --functions; usual (the default) "
        "and all stand for several.",
    ),
]


Numbers = TypeVar("Numbers", float, list[float] | None)


def finite(value: Numbers) -> Numbers:
    """The numbers of an option. Raises `BadParameter` for NaN and infinite ones, which pass every bound."""
    for number in value if isinstance(value, list) else [value]:
        if number is not None and not math.isfinite(number):
            raise typer.BadParameter(f"{number} is no finite number.")
    return value


def held(option: str, number: float, dtype: str) -> None:
    """Raise `BuildError` for a number of an option that the dtype cannot hold."""
    import numpy as np

    if number > float(np.finfo(dtype).max):
        raise BuildError(what=f"{option} {number:g}: {dtype} cannot hold it", hint="a weight of about 0 to 1 is usual")


@contextmanager
def running(net: Path) -> Iterator[None]:
    """Show on one line what a generated module lacks while it runs: a BLAS, a compiler, memory."""
    try:
        yield
    except (ImportError, OSError, RuntimeError, MemoryError) as error:
        what = f"its module cannot run: {shortened(error, str)}"
        hint = "--backend numpy needs NumPy alone, and --memory bounds what a call takes"
        raise BuildError(origin=str(net), what=what, hint=hint) from error


@contextmanager
def given(origin: str) -> Iterator[None]:
    """Show on one line what a model's functions say of their arguments."""
    try:
        yield
    except ValueError as error:
        hint = "docs/training.md says what the data and the conditions must be"
        raise BuildError(origin=origin, what=shortened(error, str), hint=hint) from error


@contextmanager
def reported() -> Iterator[None]:
    """Show the compiler's warnings and the user's mistakes on stderr, without a traceback."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)  # warnings that packages cause among themselves
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            warnings.simplefilter("always", SmgenWarning)
            try:
                yield
            finally:
                for message in dict.fromkeys(str(entry.message) for entry in caught):
                    put(err, Text.assemble(("warning:", "bold yellow"), " ", visible(message)))
    except SmgenError as error:
        put(err, Text.assemble(("error:", "bold red"), " ", visible(str(error))))
        raise typer.Exit(2) from None
