"""The command line.

Exit codes: 0 done, 1 a check failed or standard output cannot be written to, 2 the input or the options are wrong.
"""

from __future__ import annotations

from typing import Annotated

import typer

from smgen import __version__
from smgen.cli import building, extras, models, report, training
from smgen.cli.options import app, out
from smgen.cli.streams import standard_streams

__all__ = ["app", "building", "extras", "main", "models", "report", "training"]


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


def main() -> None:
    """The `smgen` command."""
    with standard_streams():
        app()
