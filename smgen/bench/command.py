"""`smgen bench`: the contenders on a user's own network, as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from rich.console import Console

from smgen.bench.autodiff import statement
from smgen.bench.contenders import OURS, available
from smgen.bench.peers import PEERS
from smgen.bench.report import contender_table, disturbances
from smgen.bench.rounds import Case
from smgen.bench.run import Plan, reference_of, run
from smgen.errors import BuildError, did_you_mean
from smgen.hessians import Method
from smgen.network import Network
from smgen.report.tables import put

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
    method: Method | None = None,
) -> None:
    """Measure and print; `backends` and `against` are by default all that can run here.

    `method` is the hessian mode of all, the diagonal recursion by default. Raises `BuildError` for who does not exist,
    who was named and cannot run here, and where results differ.
    """
    method = method or Method()

    def tell(text: str) -> None:
        put(console, text)

    contenders = [
        *_chosen("--backend", backends, OURS, OURS, network, method, tell),
        *_chosen("--against", against, PEERS, _default_peers(method), network, method, tell),
    ]
    cases = [Case(name, n, dtype, lam) for n, lam in product(samples, lams)]
    results = run({name: network}, cases, Plan(tuple(contenders), rounds, seconds, method), tell)
    put(console, contender_table(results, reference_of(contenders)))
    tell(statement(method))
    if text := disturbances(results):
        tell(text)


def _default_peers(method: Method) -> tuple[str, ...]:
    """Those that can compute the mode's loss."""
    return DEFAULT_PEERS if method.hessian == "diagonal" else ("jax", "torch")


def _chosen(
    option: str,
    named: Sequence[str],
    known: Sequence[str],
    default: Sequence[str],
    network: Network,
    method: Method,
    tell: Callable[[str], None],
) -> list[str]:
    """Those that were named, or all of the default that can run here."""
    for name in named:
        if name not in known:
            raise BuildError(
                what=f"{option} {name}: cannot be measured here{did_you_mean(name, known)}",
                hint=f"one of {', '.join(known)}",
            )
    return available(named or default, tell, network, method, insist=bool(named))
