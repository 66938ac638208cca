"""A run over many cases: who takes part, every case in turn, and the machine's own rate beside them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smgen.bench.contenders import OURS
from smgen.bench.results import Outcome, Results, machine
from smgen.bench.rounds import Case, measure
from smgen.bench.work import executed, gemm_rate, least
from smgen.hessians import Method
from smgen.network import Network


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is measured: who takes turns, how many, and how long a turn is in seconds."""

    contenders: tuple[str, ...]
    rounds: int = 7
    seconds: float = 0.15
    method: Method = field(default_factory=Method)


def run(
    networks: Mapping[str, Network],
    cases: Sequence[Case],
    plan: Plan,
    tell: Callable[[str], None],
    keep: Callable[[Results], None] = lambda _: None,
) -> Results:
    """Measure every case, telling of each as it is done; `keep` is given what there is so far.

    Raises `BuildError` if contenders disagree.
    """
    results = Results(machine=machine())
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as cache:
        _rates(results, cases, plan)
        for case in cases:
            network = networks[case.name]
            timed = measure(
                network,
                case,
                plan.contenders,
                rounds=plan.rounds,
                seconds=plan.seconds,
                cache=Path(cache),
                method=plan.method,
            )
            ours = [name for name in plan.contenders if name in OURS]
            flops = {name: executed(network, name, case.samples, case.lam, method=plan.method) for name in ours}
            outcome = Outcome(
                case=case,
                measured=timed.measured,
                executed=flops,
                least=least(network, case.samples, case.lam, plan.method),
                others=timed.others,
            )
            results.outcomes.append(outcome)
            times = ", ".join(f"{m.contender} {1e3 * m.seconds:.3g} ms" for m in timed.measured)
            tell(f"{case}: {times}{'; others were busy' if outcome.disturbed else ''}")
            keep(results)
        _rates(results, cases, plan)
    keep(results)
    return results


def _rates(results: Results, cases: Sequence[Case], plan: Plan) -> None:
    """The rate of one large product in every dtype; the best of before and after counts.

    A plan with fewer or shorter turns is measured against a rate that is found as fast.
    """
    for dtype in dict.fromkeys(case.dtype for case in cases):
        rate = gemm_rate(dtype, rounds=min(plan.rounds, 5), seconds=min(plan.seconds, 0.1))
        results.gemm[dtype] = max(results.gemm.get(dtype, 0.0), rate)


def reference_of(contenders: Sequence[str]) -> str:
    """Whose times the others' are multiples of: JAX's, or PyTorch's, or the literal program's, or the first's."""
    return next((name for name in ("jax", "torch", "literal") if name in contenders), contenders[0])
