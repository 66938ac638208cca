"""The verdict's tables of paths: compact, and the same as the matrices that they stand for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from math import prod
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings

import smgen as sm
from smgen.analysis.exactness import verdict
from smgen.build import Options, build
from smgen.ir.axes import Along, Sliding
from smgen.layers.nodes import Node
from smgen.layers.patterns import Paths, Support, counts, paths
from smgen.network import Network
from tests.analysis.tensor_graphs import counted, tensor_graphs
from tests.dags import dags, relaxed
from tests.support import Array


def tables(network: Network) -> dict[str, Paths]:
    """The table of each vertex."""
    found = dict[str, Paths]()
    for v in network.vertices:
        found[v.name] = v.layer.paths(v, found)
    return found


def unfolded(table: Paths, shape: tuple[int, ...]) -> Array:
    """The table as a matrix, (units, D), for an x of this shape."""
    matrix = np.zeros((prod(table.shape), prod(shape)), int)
    for term in table.terms:
        entries = term.entries()
        indices = entries.coordinates()
        unit, place = np.zeros((2, entries.entries), int)
        for number, size in enumerate(table.pieces):
            unit = unit * size + indices[number]
        for d, size in enumerate(shape):
            place = place * size + indices.get(~d, 0)
        matrix[unit, place] += entries.counts
    return np.minimum(matrix, 2)


def check_tables(network: Network) -> None:
    expected = counted(network)
    for name, table in tables(network).items():
        assert table.shape == network[name].shape
        np.testing.assert_array_equal(unfolded(table, network.input.shape), expected[name], name)
        assert table.has_several() == bool((expected[name] == 2).any())
        assert table.has_single() == bool((expected[name] == 1).any())


@settings(relaxed, max_examples=60)
@given(dags(max_nodes=9))
def test_one_axis_against_matrices(network: Network) -> None:
    check_tables(network)


@settings(relaxed, max_examples=250)
@given(tensor_graphs())
def test_tensors_against_matrices(network: Network) -> None:
    check_tables(network)


@settings(relaxed, max_examples=100)
@given(tensor_graphs())
def test_tables_that_are_too_large_are_never_less_than_the_truth(network: Network) -> None:
    expected = counted(network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "LIMIT", 12)
        patch.setattr(paths, "LIMIT", 12)
        found = tables(network)
        for name, table in found.items():
            assert table.has_several() or not (expected[name] == 2).any()
    for name, table in found.items():
        assert (unfolded(table, network.input.shape) >= expected[name]).all()


def test_what_is_too_large_counts_as_much_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = Support.of_windows(Sliding(size=8, kernel=2, before=1))
    one, reverse = Paths.identity((8,)), Support.of(8, 8, range(8), range(7, -1, -1))
    two = one.along(0, pairs).along(0, pairs)
    monkeypatch.setattr(counts, "LIMIT", 4)
    assert one.meets(one)
    assert two.along(0, reverse).has_several()
    assert one.along(0, pairs).along(0, pairs).has_several()
    assert not one.along(0, reverse).has_several()


def test_many_terms_become_one_array() -> None:
    x = sm.input((2, 40))
    parts = [sm.conv1d(x[:, start : start + 20], 1, kernel) for start in (0, 20) for kernel in range(1, 12)]
    network = Network(energy=sm.concat(*(sm.flatten(part) for part in parts)))
    check_tables(network)
    assert len(tables(network)["concat_1"].terms) <= paths.MANY


@pytest.mark.parametrize(
    ("old", "new"), [((4, 6), (24,)), ((24,), (2, 3, 4)), ((4, 6), (6, 4)), ((2, 6), (4, 3)), ((1, 5, 2), (5, 1, 2))]
)
def test_reshapes_there_and_back(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    again = Paths.identity(old).reshaped(new).reshaped(old)
    assert again.shape == old
    np.testing.assert_array_equal(unfolded(again, old), np.eye(prod(old)))


def test_supports() -> None:
    folded = Sliding(size=3, kernel=3, before=1, after=1, padding="reflect")
    assert Support.of_windows(folded).places.tolist() == [0, 1, 3, 4, 5, 7, 8]
    matrix = Along.of(3, [[(0, 1), (2, 1)], [(1, 1), (1, -1)]])
    assert Support.of_matrix(matrix).places.tolist() == [0, 2]
    assert Support.of_matrix(matrix).transposed.places.tolist() == [0, 4]
    assert Support.blocks(4, 2, 2).places.tolist() == [0, 2, 5, 7]
    assert Support.of_matrix(matrix).adds
    assert not Support.identity(3).adds


def test_what_a_product_of_matrices_asks() -> None:
    """a_ik b_kj: whether some x_d leads to a_ik and b_kj for some i, k, j."""

    def meet(a: Node, b: Node) -> bool:
        found = tables(Network(energy=[a, b]))
        rows, columns = (found[name] for name in ("a", "b"))
        k = rows.shape[1]
        return rows.mixed(0, 1).reshaped((k,)).meets(columns.mixed(1, 1).reshaped((k,)))

    x = sm.input((4, 3))
    scaled = sm.scale(x)
    assert meet(sm.linear(x, 5, name="a"), sm.permute(sm.linear(x, 5), (1, 0), name="b"))
    assert not meet(sm.permute(scaled[:2], (1, 0), name="a"), sm.pointwise(scaled[2:], lambda g: g, name="b"))
    assert meet(sm.permute(scaled, (1, 0), name="a"), sm.pointwise(scaled, lambda g: g, name="b"))


IMAGE = (3, 256, 256)


def conv(h: Node, channels: int, **options: object) -> Node:
    return sm.softplus(sm.conv2d(h, channels, 3, padding=1, **options))  # type: ignore[arg-type]


LARGE: dict[str, tuple[Callable[[], Node], bool]] = {
    "one layer": (lambda: conv(sm.input(IMAGE), 32), True),
    "two layers": (lambda: conv(conv(sm.input(IMAGE), 32), 32), False),
    "depthwise on patches": (
        lambda: sm.tanh(sm.conv2d(sm.tanh(sm.conv2d(sm.input(IMAGE), 32, 2, stride=2)), 32, 2, groups=32)), True,
    ),
    "an image plus its transpose": (lambda: conv((x := sm.input(IMAGE)) + sm.permute(x, (0, 2, 1)), 32), False),
    "two halves, one transposed": (
        lambda: sm.tanh((x := sm.input((2, 256, 256)))[:1] + sm.permute(x[1:], (0, 2, 1))), True,
    ),
    "a part of flattened features": (lambda: sm.tanh(sm.flatten(sm.conv2d(sm.input(IMAGE), 32, 3))[:1000]), True),
    "a line": (lambda: sm.tanh(sm.conv1d(sm.input((1, 100_000)), 8, 7)), True),
    "flat pixels": (lambda: conv(sm.reshape(sm.input(prod(IMAGE)), IMAGE), 32), True),
    "a dense layer of many units": (lambda: sm.tanh(sm.linear(sm.input(100_000), 5000)), True),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_large_networks_are_fast(name: str) -> None:
    make, exact = LARGE[name]
    network = Network(energy=make())
    start = perf_counter()
    assert verdict(network).exact is exact
    assert perf_counter() - start < 5


WIDE = {
    "square of a million": "sm.square(sm.input(10**6))",
    "dense and square": "[sm.logcosh(sm.linear(x := sm.input(100_000), 4)), sm.square(x)]",
    "side by side": "sm.softplus(sm.concat(x := sm.input(100_000), sm.scale(x)))",
    "shifted sums": "sm.softplus(sm.add(sm.concat(x := sm.input(50_000), sm.tanh(x)), "
    "sm.concat(sm.scale(x), sm.sin(x))))",
    "two layers and a side": "[sm.tanh(sm.linear(sm.tanh(sm.linear(x := sm.input(200_000), 3)), 2)), sm.square(x)]",
}


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
@pytest.mark.parametrize("name", WIDE)
def test_wide_inputs_take_no_square_of_memory(tmp_path: Path, name: str, mode: str, backend: str) -> None:
    net = tmp_path / "net.py"
    net.write_text(f"import smgen as sm\nnetwork = sm.Network(energy={WIDE[name]})\n")
    tracemalloc.start()
    try:
        with pytest.warns() if mode == "diagonal" and name in ("shifted sums", "two layers and a side") else _quiet():
            build(net, options=Options(backend=backend, hessian=mode))
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


class _quiet:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("adds", [4, 127])
def test_long_lists_of_layers_are_counted(adds: int) -> None:
    x = sm.input(3)
    h = sm.tanh(sm.linear(x, 3))
    for _ in range(adds):
        h = sm.add(h, sm.scale(x))
    reason = verdict(Network(energy=sm.softplus(h))).reason
    assert reason.startswith(f"add 'add_1', add 'add_2', add 'add_3' and {adds - 3} more mix units")
    assert len(reason) < 300


def test_a_tree_of_adds() -> None:
    """Those are named where single paths meet: the first 64 of 127."""
    x = sm.input(3)
    nodes = [sm.tanh(sm.linear(x, 3)) for _ in range(128)]
    while len(nodes) > 1:
        nodes = [sm.add(*nodes[k : k + 2]) for k in range(0, len(nodes), 2)]
    assert "and 61 more mix units" in verdict(Network(energy=sm.softplus(nodes[0]))).reason


def test_layers_of_an_exact_network_are_counted_too() -> None:
    x = sm.input(3)
    reason = verdict(Network(energy=[sm.tanh(sm.linear(x, 2)) for _ in range(20)])).reason
    assert "(layers 'linear_1', 'linear_2', 'linear_3' and 17 more)" in reason
