"""Networks on images in float32 against JAX and PyTorch: python -m benchmarks.images

Value and gradient of the loss on a field of experts and a convolutional energy (benchmarks/image_networks.py).

- `recursion`: the diagonal recursion by smgen's C and NumPy modules, jax.jit and PyTorch, the peers with every way to
  write a convolution. The fastest counts, each case for itself.
- `exact`: the exact loss of the convolutional energy by smgen, in steps of its diagonal recursion, and by autodiff
  along a vector for each of 243 colours of pixels. Autodiff's batch is the samples for each colour and so large at
  N = 1, where it is measured; smgen is measured at N = 1 and 16. The table has times a sample.
- `memory`: peak memory of a process that does nothing else, and how smgen's grows with N.

Everybody has a process of its own and as many CPUs; results are compared before anything is timed; JAX has compiled
before. Turns alternate in rounds, ratios are medians of the ratios within a round. Half an hour on two idle cores;
--quick takes five minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.image_contenders import LAYOUTS
from benchmarks.image_networks import STACKS
from benchmarks.image_parts import SAMPLES, Choice, Found, Part, console, measured
from benchmarks.image_report import exact_rows, layout_rows, memory_rows, ratio_rows
from benchmarks.processor import restrict
from smgen.bench.contenders import OURS, available
from smgen.bench.report import Row, disturbances, markdown, summary_table
from smgen.bench.results import Results
from smgen.errors import SmgenError, counted


def tables(found: Found) -> list[list[Row]]:
    """All tables of what there is."""
    rows = [layout_rows(found.recursion), ratio_rows(found.recursion)] if found.recursion.outcomes else []
    for lam in dict.fromkeys(o.case.lam for o in found.exact.outcomes):
        rows.append(exact_rows([o for o in found.exact.outcomes if o.case.lam == lam]))
    return [*rows, memory_rows(found.memory)] if found.memory else rows


def report(found: Found, *, readme: bool) -> None:
    """Everything as tables."""
    where = found.recursion.machine
    console.print(f"{where['cpu']} ({where['vector_extensions']}), {counted(where['cores'], 'CPU')}, a thread each")
    for rows in tables(found):
        print(markdown(rows) + "\n") if readme else console.print(summary_table(rows, title=""))
    console.print(disturbances(Results([*found.recursion.outcomes, *found.exact.outcomes])))


def known(chosen: list[str] | None, names: Iterable[str]) -> list[str]:
    """The chosen of these names, or all. Raises `ValueError` for others but `none`."""
    if wrong := set(chosen or ()) - {*names, "none"}:
        raise ValueError(f"{', '.join(sorted(wrong))}: one of {', '.join(names)} is meant")
    return [name for name in names if not chosen or name in chosen]


def present(contenders: list[str]) -> tuple[str, ...]:
    """Those that can run here; the others are named."""
    modules = available([c for c in contenders if c in OURS], console.print)
    peers = [c for c in contenders if c in LAYOUTS and find_spec(c)]
    for absent in (c for c in contenders if c in LAYOUTS and c not in peers):
        console.print(f"{absent} is left out: {absent} is not installed (pip install 'smgen[bench]')")
    return (*modules, *peers)


def main(
    network: Annotated[list[str] | None, typer.Option(help=f"{', '.join(STACKS)}; both by default.")] = None,
    part: Annotated[list[Part] | None, typer.Option(help="All by default.")] = None,
    samples: Annotated[list[int] | None, typer.Option(help="N of the recursion.")] = None,
    lam: Annotated[list[float] | None, typer.Option(help="0 and 0.1 by default.")] = None,
    backend: Annotated[list[str] | None, typer.Option(help=f"{', '.join(OURS)}; both by default.")] = None,
    peer: Annotated[list[str] | None, typer.Option(help=f"{', '.join(LAYOUTS)}, none; both by default.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPUs for everybody; all by default.")] = None,
    rounds: int = 7,
    seconds: Annotated[float, typer.Option(help="Of a turn; a step at least is taken.")] = 0.1,
    quick: Annotated[bool, typer.Option("--quick", help="N = 16, two short rounds.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every round here.")] = None,
    from_json_file: Annotated[Path | None, typer.Option("--from-json", help="Report an earlier run.")] = None,
    readme: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
) -> None:
    """Measure or read, then report."""
    try:
        if from_json_file:
            found = Found.read(json.loads(from_json_file.read_text(encoding="utf-8")))
        else:
            if threads is not None:
                restrict(threads)
            chosen = present([*known(backend, OURS), *known(peer, LAYOUTS)])
            few = tuple(samples or ((16,) if quick else ()))
            choice = Choice(
                samples={name: few or SAMPLES[name] for name in known(network, STACKS)},
                exact_samples=16,
                memory_samples=(16, 64) if quick else (64, 512),
                lams=tuple(lam or ((0.0,) if quick else (0.0, 0.1))),
                contenders=chosen,
            )
            turns = (2, 0.02) if quick else (rounds, seconds)
            found = measured(part or list(Part), choice, *turns, lambda found: keep(found, json_file))
    except (SmgenError, ValueError) as error:
        raise SystemExit(f"error: {error}") from None
    report(found, readme=readme)


def keep(found: Found, path: Path | None) -> None:
    """Write what there is so far."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found.document(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
