"""Windows that products read are not stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

import smgen as sm
from smgen.analysis.cost import cost
from smgen.hessians import lower
from smgen.ir import STEPS, Fold, Product, Schedule, Transpose, Unfold, WindowForm, WindowProduct
from smgen.network import Network
from smgen.passes import run
from smgen.passes.prune import prune
from smgen.passes.slide import slide
from smgen.targets import TARGETS

Convolve = Callable[[sm.Node], sm.Node]


def before_and_after(convolve: Convolve, shape: tuple[int, ...] = (2, 9, 8)) -> tuple[Schedule, Schedule]:
    """The step with λ > 0 of softplus experts on a layer, before the pass and after it."""
    network = Network(energy=sm.softplus(convolve(sm.input(shape))))
    step = next(s for s in lower(network) if s.function == STEPS["any"])
    before = run(step, TARGETS["c"].pipeline.algebra(1024))
    return before, run(before, (slide, prune))


def kinds(schedule: Schedule) -> Counter[str]:
    """How many operations there are of the kinds that the pass reads and writes."""
    kinds = (Unfold, Fold, Product, Transpose)
    count = Counter(type(op).__name__ for op in schedule.ops if isinstance(op, kinds))
    return count + Counter(op.form.name for op in schedule.ops if isinstance(op, WindowProduct))


def test_all_products_of_a_convolution_read_the_image() -> None:
    before, after = before_and_after(lambda x: sm.conv2d(x, 8, 3))
    assert kinds(before) == {"Unfold": 3, "Fold": 2, "Product": 7}
    assert kinds(after) == {"TIMES": 3, "TRANSPOSED_TIMES": 2, "FOLDED": 2, "Transpose": 2}
    assert sum(len(op.pairs) for op in after.ops if isinstance(op, WindowProduct)) == 8


def test_each_image_is_padded_once() -> None:
    _, after = before_and_after(lambda x: sm.conv2d(x, 8, 3, padding=(1, 2), padding_mode="replicate"), (8, 9, 8))
    padded = [op for op in after.ops if isinstance(op, Unfold) and op.out.layout.places == 11 * 12]
    assert len({op.src for op in padded}) == len(padded) == 2  # x and µ; ν is read with squared sums of taps
    assert all(
        not any(axis.before or axis.after for axis in op.axes) for op in after.ops if isinstance(op, WindowProduct)
    )


def test_a_transposed_convolution_folds_forwards() -> None:
    _, after = before_and_after(lambda x: sm.conv_transpose2d(x, 8, 4, stride=4))
    forward = next(op for op in after.ops if isinstance(op, WindowProduct))
    assert forward.form is WindowForm.FOLDED


@pytest.mark.parametrize(
    "convolve",
    [lambda x: sm.conv2d(x, 4, 3), lambda x: sm.conv2d(x, 8, 3, groups=2), lambda x: sm.avg_pool2d(x, 2)],
    ids=["few columns", "groups", "pooling"],
)
def test_short_products_and_groups_are_left_alone(convolve: Convolve) -> None:
    before, after = before_and_after(convolve)
    assert not any(isinstance(op, WindowProduct) and op.form is not WindowForm.FOLDED for op in after.ops)
    assert kinds(before)["Unfold"] == kinds(after)["Unfold"]


def test_products_cost_the_same_and_memory_is_a_part() -> None:
    """A window of 5 × 5 has 25 times the numbers of the image."""
    before, after = (
        cost(schedule, "float32") for schedule in before_and_after(lambda x: sm.conv2d(x, 8, 5, padding=2))
    )
    assert after.product_flops_per_sample == before.product_flops_per_sample
    assert after.memory_per_sample < before.memory_per_sample / 2
