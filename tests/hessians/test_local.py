"""Terms of curved vertices that see few inputs: colours, receptive fields, and the exact mode made of them."""

from __future__ import annotations

from contextlib import suppress
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smgen as sm
from smgen.analysis.exactness import split_by_recursion
from smgen.errors import NetworkError
from smgen.hessians import Method, scheme
from smgen.hessians.colours import colouring
from smgen.hessians.fields import composed, receptive_fields
from smgen.hessians.parts import Plan, plan
from smgen.ir.axes import PADDINGS, Sliding
from smgen.lower.arranged import arranged
from smgen.network import Network
from tests import written as w
from tests.hessians import against_true_hessian
from tests.hessians.local import LOCAL, PATCHES, ROWS, pooled, pooled_to_few, three_layers, two_layers
from tests.support import random_case
from tests.targets.cuda.emitted import assert_agrees

EXACT = Method("exact")


def chosen(network: Network) -> Plan:
    found = plan(arranged(network))
    assert found is not None
    return found


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("backend", ["numpy", pytest.param("c", marks=pytest.mark.slow)])
def test_exact_numbers(name: str, backend: str) -> None:
    network = LOCAL[name]()
    found = chosen(network)
    assert bool(found.rows) == (name in ROWS)
    assert (found.fields is not None) == (name in PATCHES or name == "pooled to few")
    against_true_hessian.compare_module(network, backend, 2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOCAL)
def test_cuda(name: str) -> None:
    network = LOCAL[name]()
    assert_agrees(network, "float64", *random_case(network, samples=3), method=EXACT)


def test_of_a_single_sample() -> None:
    against_true_hessian.compare_module(two_layers(), "numpy", 1, 0)


def test_the_scheme_names_the_ways() -> None:
    assert scheme(three_layers(), EXACT) == (
        "the recursion for 'softplus_1', patches for 'tanh_1' (12 inputs), 'sigmoid_1' (16 inputs)"
    )
    assert scheme(pooled(), EXACT) == "the recursion for 'softplus_1', 18 colours of the 80 inputs for 'tanh_1'"
    assert scheme(pooled_to_few(), EXACT) == (
        "the recursion for 'softplus_1', rows from above for 'tanh_1' (2 rows), patches for 'softplus_2' (25 inputs)"
    )


def test_where_all_inputs_meet_in_many_units_there_is_no_plan() -> None:
    h = sm.tanh(w.conv2d(sm.input((1, 4, 4)), 2, 3))
    assert plan(arranged(Network(energy=sm.softplus(sm.linear(sm.flatten(h), 9))))) is None
    assert plan(arranged(Network(energy=sm.softplus(sm.linear(sm.tanh(sm.linear(sm.input(4), 3)), 3))))) is None
    assert plan(arranged(Network(energy=sm.softplus(w.conv2d(sm.input((1, 4, 4)), 2, 3))))) is None


def seen(network: Network, name: str) -> np.ndarray:
    """Whether each unit of a vertex depends on each input, by brute force through dense matrices."""
    rng, seen = np.random.default_rng(0), {network.input.name: np.eye(network.input.units)}
    for v in network.vertices[1:]:
        if v.layer.mixes:
            key = v.operands[1]
            weight = rng.uniform(0.5, 1.5, network[key].shape)
            bias = {p: np.zeros(network[p].shape) for p in v.operands[2:]}
            slope = v.layer.slope(v, v.inputs[0], {key: weight, **bias}, lambda *_: np.zeros(1))
            seen[v.name] = slope.backward(np.eye(v.units)) @ seen[v.inputs[0]]
        else:
            seen[v.name] = np.sum([seen[p] for p in v.inputs], axis=0)
    return seen[name] > 0


CONVOLUTIONS = st.fixed_dictionaries({
    "kernel_size": st.integers(1, 4), "stride": st.integers(1, 3), "padding": st.integers(0, 3),
    "padding_mode": st.sampled_from(PADDINGS), "dilation": st.integers(1, 3),
})  # fmt: skip
CHAINS = st.tuples(st.tuples(st.integers(1, 2), st.integers(6, 24)), st.lists(CONVOLUTIONS, min_size=2, max_size=3))


def chain(options: tuple[tuple[int, int], list[dict[str, Any]]]) -> Network:
    """Convolutions under nonlinearities on a sequence; those that do not fit are left out."""
    shape, convolutions = options
    h = sm.input(shape)
    for each in convolutions:
        with suppress(NetworkError):
            h = sm.tanh(sm.conv1d(h, 2, **each))
    return Network(energy=sm.softplus(h))


@settings(max_examples=60, deadline=None)
@given(CHAINS)
def test_colours_keep_apart_what_a_unit_sees(options: tuple[tuple[int, int], list[dict[str, Any]]]) -> None:
    network = chain(options)
    _, others = split_by_recursion(network)
    if not others:
        return
    found = colouring(network.input, others.values())
    colour = np.arange(found.count).reshape(found.counts)[np.ix_(*map(np.array, found.axes))].ravel()
    most = 0
    for v in others:
        for unit in seen(network, v.name):
            own = colour[unit]
            assert len(set(own.tolist())) == len(own)
            most = max(most, len(own))
    assert most <= found.count


@settings(max_examples=60, deadline=None)
@given(CHAINS)
def test_fields_are_what_units_see(options: tuple[tuple[int, int], list[dict[str, Any]]]) -> None:
    network = chain(options)
    curved = [v.name for v in network.vertices if v.layer.function is not None]
    fields = receptive_fields(arranged(network), curved)
    if fields is None:
        return
    channels, size = network.input.shape
    for name in curved:
        (field,) = fields[name]
        assert field.count == network[name].shape[-1]
        units = seen(network, name).reshape(-1, field.count, channels, size)
        for place, row in enumerate(field.table):
            inside = np.zeros(size, bool)
            inside[row[row >= 0]] = True
            assert not units[:, place][..., ~inside].any()


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 5), ({"dilation": 2}, 7), ({"stride": 3}, 9), ({"padding": 2, "padding_mode": "circular"}, 6)],
)
def test_there_are_few_colours(options: dict[str, Any], count: int) -> None:
    """As many as the largest field, where the axis does not close; round it, blocks of no less."""
    h = sm.tanh(sm.conv1d(sm.input((1, 24)), 2, 3, **options))
    network = Network(energy=sm.softplus(sm.conv1d(h, 2, 3)))
    colours = chosen(network).colours
    assert colours is not None
    assert prod(colours.counts) == count


def test_windows_over_windows() -> None:
    first = Sliding(size=20, kernel=3, stride=2, before=1, after=1)
    second = Sliding(size=first.count, kernel=2, stride=2, dilation=2, before=1)
    field = composed(first, second)
    assert field is not None
    assert (field.kernel, field.stride, field.before, field.count) == (7, 4, 3, second.count)
    reflected = Sliding(size=first.count, kernel=3, before=1, after=1, padding="reflect")
    assert composed(first, reflected) is None
