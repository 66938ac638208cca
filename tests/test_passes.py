"""Every pass leaves the meaning of every schedule alone; verify catches schedules that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings

from smgen.analysis.storage import allocate, view_roots
from smgen.errors import InternalError
from smgen.hessians import lower
from smgen.ir import STEPS, Buffer, Elementary, Form, Function, Layout, Pointwise, Product, Reduce, Schedule, Sweep
from smgen.layers.letters import parameter_buffer
from smgen.network import Network
from smgen.passes import run
from smgen.targets import TARGETS
from smgen.verify import verify
from tests.dags import dags
from tests.interpreter import interpret
from tests.networks import CATALOGUE
from tests.support import assert_close, random_case


def inputs_of(network: Network, lam: float) -> dict[str, Any]:
    params, x = random_case(network, seed=2)
    named = {parameter_buffer(key, value.shape).name: value for key, value in params.items()}
    return {f"g_{network.input.name}": x, "lam": lam, "N": len(x), **named}


def assert_meaning_kept(network: Network) -> None:
    for schedule in lower(network):
        inputs = inputs_of(network, 0.0 if schedule.function.lam == "zero" else 0.3)
        expected = interpret(verify(schedule), inputs)
        seen = {schedule}
        for backend, size in product(("numpy", "c", "cuda"), (1, 10**6)):
            after = schedule
            for apply in TARGETS[backend].pipeline.passes(size):
                after = run(after, (apply,))
                if after not in seen:
                    seen.add(after)
                    actual = interpret(after, inputs)
                    for name, value in expected.items():
                        where = f"{schedule.name}: {name} after {apply.__name__} for {backend}"
                        assert_close(actual[name], value, 1e-12, where)


@pytest.mark.parametrize("name", CATALOGUE)
def test_meaning_of_the_catalogue(name: str) -> None:
    assert_meaning_kept(CATALOGUE[name]())


@pytest.mark.slow
@settings(deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(dags(max_nodes=6))
def test_meaning_of_random_dags(network: Network) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assert_meaning_kept(network)


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_array_is_overwritten_while_it_is_needed(name: str) -> None:
    """Replay the storage plan: an operation may write an array only if its last content is not read any more."""
    for schedule in lower(CATALOGUE[name]()):
        lowered = run(schedule, TARGETS["numpy"].pipeline.passes(1024))
        storage, roots = allocate(lowered), view_roots(lowered)
        holds: dict[str, str] = {}
        for op in lowered.ops:
            for read in op.reads:
                root = roots.get(read.name, read.name)
                if root in storage.slot_of:
                    assert holds[storage.slot_of[root]] == root, f"{schedule.name}: {read.name} was overwritten"
            for out in op.outs:
                if out.name in storage.slot_of:
                    slot = storage.slot_of[out.name]
                    assert storage.slots[slot] == out.shape
                    inplace = isinstance(op, Elementary)
                    mine = {storage.slot_of.get(roots.get(b.name, b.name)) for b in op.reads}
                    assert inplace or slot not in mine, f"{schedule.name}: a product writes over its operand"
                    holds[slot] = out.name


def test_nothing_superfluous_is_left() -> None:
    """ICA's gradient needs tanh and sech alone: no log cosh, no product for the constant δ_out."""
    schedule = next(s for s in lower(CATALOGUE["ica"]()) if s.function == STEPS["zero"])
    lowered = run(schedule, TARGETS["numpy"].pipeline.passes(1024))
    functions = [op.function for op in lowered.ops if isinstance(op, Elementary)]
    assert functions.count("tanh") == functions.count("exp") == 1
    assert not {"log1p", "log"} & set(functions)
    assert sum(isinstance(op, Product) for op in lowered.ops) == 5  # λ = 0 saves three of the eight of λ > 0


A, B = Buffer("a", Layout.of(("N", 2))), Buffer("b", Layout.of(("N", 2)))
ROW, OTHER = Buffer("row", Layout.of((2,))), Buffer("row2", Layout.of((2,)))


def schedule(*ops: Any, outputs: tuple[Buffer, ...] = (B,)) -> Schedule:
    broken = Function(base="broken", summary="", results=("b",))
    return Schedule(function=broken, inputs=(A, ROW), sweeps=(Sweep("sweep", ops),), outputs=outputs, fingerprint="")


GOOD = Pointwise((B,), (A.symbol + ROW.symbol,), (A, ROW))


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (schedule(GOOD, GOOD), "assigned twice"),
        (
            schedule(Pointwise((B,), (sp.Symbol("c", real=True),), (Buffer("c", Layout.of((2,))),))),
            "before it is assigned",
        ),
        (schedule(replace(GOOD, reads=(A,))), "does not declare"),
        (schedule(replace(GOOD, outs=(Buffer("b", Layout.of(("N", 3))),))), "do not broadcast"),
        (schedule(Pointwise((Buffer("b", Layout.of((2,))),), (A.symbol,), (A,))), "cannot hold"),
        (schedule(Product(out=B, left=A, right=ROW, form=Form.TIMES_TRANSPOSED)), "do not fit"),
        (schedule(Product(out=B, left=A, right=A, form=Form.TIMES)), "do not fit"),
        (schedule(Product(out=B, left=A, right=A, form=Form.TRANSPOSED_TIMES)), "does not hold a product"),
        (schedule(Product(out=B, left=A, right=A, form=Form.TIMES, each_sample=True)), "do not fit"),
        (schedule(Reduce(out=B, src=A, axis=0)), "has shape"),
        (schedule(Reduce(out=Buffer("b", Layout.of(())), src=A, axis=None)), "float64"),
        (schedule(outputs=(B,)), "does not compute"),
    ],
)
def test_verify_catches(broken: Schedule, complaint: str) -> None:
    with pytest.raises(InternalError, match=complaint):
        verify(broken)


def test_the_pass_that_breaks_a_schedule_is_named() -> None:
    def breaking(s: Schedule) -> Schedule:
        return schedule(GOOD, GOOD)

    with pytest.raises(InternalError, match=r"after pass tests\.test_passes"):
        run(schedule(GOOD), [breaking])
