"""The total of δ′ below a convolution is taken above it."""

from __future__ import annotations

import pytest

import smgen as sm
from smgen.hessians import lower
from smgen.ir import STEPS, Fold, Function, Product, Schedule
from smgen.network import Network
from smgen.passes import run
from smgen.passes.prune import prune
from smgen.passes.reuse_operations import reuse_operations
from smgen.passes.skip_folds import skip_folds
from tests.interpreter import interpret
from tests.passes.test_meaning import inputs_of
from tests.support import assert_close

OPTIONS: list[dict[str, object]] = [
    {},
    {"padding": 1},
    {"padding": 2, "padding_mode": "circular"},
    {"stride": 3, "dilation": 2},
]


def experts(options: dict[str, object]) -> Network:
    return Network(energy=sm.softplus(sm.conv2d(sm.input((2, 6, 5)), 3, 2, **options)))  # type: ignore[arg-type]


def before_and_after(network: Network, function: Function) -> tuple[Schedule, Schedule]:
    step = next(s for s in lower(network) if s.function == function)
    before = run(step, (prune, reuse_operations))
    return before, run(before, (skip_folds, reuse_operations, prune))


def count(schedule: Schedule, kind: type) -> int:
    return sum(isinstance(op, kind) and any(b.batched for b in op.reads) for op in schedule.ops)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_first_layer_has_five_products_of_six(options: dict[str, object]) -> None:
    network = experts(options)
    before, after = before_and_after(network, STEPS["zero"])
    assert count(before, Fold) - count(after, Fold) == count(before, Product) - count(after, Product) == 1
    inputs = inputs_of(network, 0.0)
    expected = interpret(before, inputs)
    for name, value in interpret(after, inputs).items():
        assert_close(value, expected[name], 1e-12, name)


def test_sums_of_weights_are_those_of_the_adjoints() -> None:
    for options in OPTIONS[:2]:
        before, after = before_and_after(experts(options), STEPS["zero"])
        own = [op for op in after.ops if not any(b.batched for b in (*op.reads, *op.outs))]
        assert len(own) == len([op for op in before.ops if not any(b.batched for b in (*op.reads, *op.outs))])


def test_what_other_operations_read_is_formed() -> None:
    before, after = before_and_after(experts({}), STEPS["any"])
    assert after == before
