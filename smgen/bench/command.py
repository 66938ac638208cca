"""`smgen bench`: the contenders on a user's own network, as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from rich.console import Console

from smgen.bench.contenders import OURS, available
from smgen.bench.peers import PEERS
from smgen.bench.report import contender_table, disturbances
from smgen.bench.rounds import Case
from smgen.bench.run import Plan, reference_of, run
from smgen.errors import BuildError, did_you_mean
from smgen.network import Network

DEFAULT_PEERS = tuple(name for name in PEERS if name != "torch.compile")
"""torch.compile takes half a minute to compile: it takes part where it is named."""


def bench(
    console: Console,
    network: Network,
    name: str,
    *,
    dtype: str,
    samples: Sequence[int],
    lams: Sequence[float],
    backends: Sequence[str] = (),
    against: Sequence[str] = (),
    rounds: int,
    seconds: float,
) -> None:
    """Measure and print; `backends` and `against` are by default all that can run here.

    Raises `BuildError` for who does not exist, who was named and cannot run here, and where results differ.
    """

    def tell(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    contenders = [
        *_chosen("--backend", backends, OURS, OURS, network, tell),
        *_chosen("--against", against, PEERS, DEFAULT_PEERS, network, tell),
    ]
    cases = [Case(name, n, dtype, lam) for n, lam in product(samples, lams)]
    results = run({name: network}, cases, Plan(tuple(contenders), rounds, seconds), tell)
    console.print(contender_table(results, reference_of(contenders)))
    if text := disturbances(results):
        tell(text)


def _chosen(
    option: str,
    named: Sequence[str],
    known: Sequence[str],
    default: Sequence[str],
    network: Network,
    tell: Callable[[str], None],
) -> list[str]:
    """Those that were named, or all of the default that can run here."""
    for name in named:
        if name not in known:
            raise BuildError(
                what=f"{option} {name}: cannot be measured here{did_you_mean(name, known)}",
                hint=f"one of {', '.join(known)}",
            )
    return available(named or default, tell, network, insist=bool(named))
