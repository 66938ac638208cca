"""The verdict's tables of paths: compact, and the same as the matrices that they stand for."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import smgen as sm
from smgen.analysis.exactness import _paths, verdict
from smgen.build import Options, build
from smgen.layers.concat import Concat
from smgen.layers.data import Data
from smgen.layers.dense import Dense
from smgen.layers.patterns import Paths
from smgen.network import Network
from tests.dags import dags
from tests.support import Array


def dense(network: Network) -> dict[str, Array]:
    """Paths counted up to 2, as one writes it down: (units, D)."""
    tables: dict[str, Array] = {}
    for v in network.vertices:
        match v.layer:
            case Data():
                tables[v.name] = np.eye(v.units, dtype=int)
            case Dense():
                tables[v.name] = np.tile(tables[v.inputs[0]].sum(axis=0), (v.units, 1))
            case Concat():
                tables[v.name] = np.concatenate([tables[name] for name in v.operands])
            case _:
                tables[v.name] = sum(tables[name] for name in v.inputs)  # type: ignore[assignment]
        tables[v.name] = np.minimum(tables[v.name], 2)
    return tables


def unfolded(paths: Paths) -> Array:
    rows = []
    for block in paths.blocks:
        table = np.tile(block.row.astype(int), (block.units, 1))
        for shift, counts in block.diagonals.items():
            table[np.arange(block.units), np.arange(block.units) + shift] += counts
        rows.append(np.minimum(table, 2))
    return np.concatenate(rows)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(dags(max_nodes=9))
def test_against_matrices(network: Network) -> None:
    expected = dense(network)
    for name, paths in _paths(network).items():
        np.testing.assert_array_equal(unfolded(paths), expected[name], name)
        assert paths.has_several() == bool((expected[name] == 2).any())
        assert paths.has_single() == bool((expected[name] == 1).any())


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
