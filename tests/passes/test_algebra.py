"""The passes that remove products: what they do, where the cost model says so, and what they leave alone."""

from __future__ import annotations

import pytest

import smgen as sm
from smgen.analysis.cost import product_flops
from smgen.analysis.flops import estimated_flops
from smgen.hessians import lower
from smgen.ir import Form, Fused, Product, Schedule
from smgen.network import Network
from smgen.passes import run
from smgen.passes.prune import prune
from smgen.passes.skip_input_products import skip_input_products
from smgen.passes.tile import tile
from smgen.targets import TARGETS
from smgen.targets.savings import savings


def layer(inputs: int, units: int) -> Network:
    return Network(energy=sm.logcosh(sm.linear(sm.input(inputs), units, bias=False, name="w")))


def deep(inputs: int) -> Network:
    h = sm.softplus(sm.linear(sm.input(inputs), 32, name="w"))
    return Network(energy=sm.softplus(sm.linear(h, 1, name="v")))


def schedule_of(network: Network, name: str) -> Schedule:
    return next(s for s in lower(network) if s.name == name)


def products(schedule: Schedule) -> list[Product]:
    return [op for op in schedule.ops if isinstance(op, Product)]


def names(schedule: Schedule) -> set[str]:
    return {out.name for op in schedule.ops for out in op.outs}


@pytest.mark.parametrize("inputs", [8, 64, 500])
def test_without_lambda_the_diagonal_at_the_input_is_never_formed(inputs: int) -> None:
    for name in ("loss_and_grad_lam0", "loss_terms_lam0"):
        lowered = run(schedule_of(layer(inputs, 64), name), TARGETS["numpy"].pipeline.passes(1024))
        assert "delta_prime_x" not in names(lowered)


@pytest.mark.parametrize(
    ("inputs", "units", "batch_size", "collapsed"),
    [(64, 64, 10**4, True), (512, 64, 10**4, True), (32, 64, 10**4, False), (512, 64, 4, False)],
)
def test_the_first_layer_collapses_where_that_is_cheaper(
    inputs: int, units: int, batch_size: int, collapsed: bool
) -> None:
    for name in ("loss_and_grad", "loss_and_grad_lam0"):
        lowered = run(schedule_of(layer(inputs, units), name), (prune, skip_input_products(batch_size), prune))
        assert ("delta_x" not in names(lowered)) == collapsed
        assert ("gram_W_w" in names(lowered)) == collapsed


@pytest.mark.parametrize("name", ["score", "hessian_diagonal"])
def test_what_is_returned_is_formed(name: str) -> None:
    lowered = run(schedule_of(layer(512, 8), name), (prune, skip_input_products(10**6), prune))
    assert lowered == run(schedule_of(layer(512, 8), name), (prune,))


@pytest.mark.parametrize("inputs", [8, 256])
def test_collapse_never_adds_work(inputs: int) -> None:
    for network in (layer(inputs, 64), deep(inputs)):
        for schedule in lower(network):
            for batch_size in (16, 1024, 10**5):
                before = run(schedule, (prune,))
                after = run(schedule, (prune, skip_input_products(batch_size), prune))
                assert estimated_flops(after, batch_size) <= estimated_flops(before, batch_size)
                if batch_size > 16:
                    assert product_flops(after, batch_size) <= product_flops(before, batch_size)


def test_the_two_products_of_a_weight_gradient_become_one_of_stacked_operands() -> None:
    lowered = run(schedule_of(layer(8, 64), "loss_and_grad_lam0"), TARGETS["c"].pipeline.passes(1024))
    outer = [op for op in products(lowered) if op.is_batch_sum]
    assert [len(op.pairs) for op in outer] == [2]


def test_a_layer_of_one_unit_passes_back_without_a_product() -> None:
    lowered = run(schedule_of(deep(8), "loss_and_grad"), TARGETS["c"].pipeline.passes(1024))
    assert all(op.right.shape[0] != 1 for op in products(lowered) if op.is_row_product and op.form is Form.TIMES)


def test_polynomials_of_one_array_are_not_stored() -> None:
    lowered = run(schedule_of(layer(8, 64), "loss_and_grad_lam0"), TARGETS["c"].pipeline.passes(1024))
    stored = {b.name for op in lowered.ops if isinstance(op, Fused) for b in op.stored}
    assert "f_third_logcosh_1" not in stored


def test_phases() -> None:
    """Weights alone once, samples in tiles, sums of samples at the end; nothing in a tile reads what tiles sum."""
    for schedule in lower(deep(8)):
        cut = run(schedule, (prune, tile))
        order = [sweep.phase for sweep in cut.sweeps]
        assert order == sorted(order, key=["once", "tile", "end"].index)
        for sweep in cut.sweeps:
            for op in sweep.ops:
                batched = any(b.batched for b in (*op.reads, *op.outs))
                assert batched == (sweep.phase == "tile")


def test_savings_in_words() -> None:
    schedules = lower(layer(512, 64))
    text = savings([(s, run(s, TARGETS["numpy"].pipeline.passes(1024))) for s in schedules], 1024)
    assert "in batches of 1024" in text
    assert "δ_x and δ′_x never formed" in text
