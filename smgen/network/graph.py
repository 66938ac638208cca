"""The network: a graph of frozen values, made from a description and checked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.calculus.derivatives import Nonlinearity
from smgen.errors import UnsupportedNonlinearity, counted
from smgen.layers.nodes import Node
from smgen.layers.protocol import Vertex
from smgen.network.names import check_shared, named
from smgen.network.walk import energy_nodes, in_order


@dataclass(frozen=True)
class Network:
    """An energy-based network: E(x) is the sum over all units of the energy vertices.

    `varying` are the vertices that vary over samples, in topological order, and `vertices` those of them that depend on
    x, x first. The others are conditions, and what is made of them. `constants` depend on parameters alone, in
    topological order: the parameters, and the vertices that are made of them. `energies` maps an energy vertex to how
    often it is counted. `nodes` are all nodes of the network. Raises `NetworkError` for cycles, duplicate or unusable
    names, several inputs, and weights shared between unequal layers.
    """

    energy: InitVar[Node | Sequence[Node]]
    varying: tuple[Vertex, ...] = field(init=False)
    constants: tuple[Vertex, ...] = field(init=False)
    energies: tuple[tuple[str, int], ...] = field(init=False)
    nodes: tuple[Node, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self, energy: Node | Sequence[Node]) -> None:
        roots = energy_nodes(energy)
        order = in_order(roots)
        names = named(order)
        vertices = {names[node]: _vertex(node, names) for node in reversed(order)}
        ordered = [vertices[name] for name in dict.fromkeys(names[node] for node in order)]
        self._set(
            varying=tuple(v for v in ordered if v.batched),
            constants=tuple(v for v in ordered if not v.batched),
            energies=tuple(Counter(names[root] for root in roots).items()),
            nodes=tuple(order),
        )
        check_shared(order, names)
        _check_formulas(ordered)

    def _set(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @cached_property
    def vertices(self) -> tuple[Vertex, ...]:
        """The vertices that depend on x, in topological order."""
        return tuple(v for v in self.varying if v.inputs or v.layer.is_data)

    @cached_property
    def given(self) -> tuple[Vertex, ...]:
        """What comes with every sample: x, then the conditions in order of first use."""
        others = (v for v in self.varying if v.layer.per_sample and not v.layer.is_data)
        return (self.input, *others)

    @property
    def input(self) -> Vertex:
        """The vertex of the data vector x."""
        return self.vertices[0]

    @property
    def all_vertices(self) -> tuple[Vertex, ...]:
        """The constants, then what varies over samples: every one after its operands."""
        return (*self.constants, *self.varying)

    @property
    def nonlinear(self) -> dict[str, Nonlinearity]:
        """The functions of all vertices with a function of a single operand, by the name of the vertex."""
        return {v.name: v.layer.nonlinearity for v in self.all_vertices if v.layer.nonlinearity is not None}

    def __getitem__(self, name: str) -> Vertex:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Vertex]:
        return {v.name: v for v in self.all_vertices}

    @cached_property
    def _readers(self) -> dict[str, tuple[Vertex, ...]]:
        readers: dict[str, list[Vertex]] = {name: [] for name in self._by_name}
        for v in self.all_vertices:
            for operand in (*v.inputs, *v.conditions, *v.constants):
                readers[operand].append(v)
        return {name: tuple(vertices) for name, vertices in readers.items()}

    def children(self, name: str) -> tuple[Vertex, ...]:
        """The vertices that read `name` and pass derivatives to it, each once: V_j of the equations."""
        return self._readers[name]

    @cached_property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Parameter name → shape, in order of first use; names and (out, in) shapes as in a torch `state_dict`."""
        return {v.name: v.shape for v in self.constants if not v.operands and v.layer.fixed is None}

    @cached_property
    def fixed(self) -> dict[str, npt.NDArray[np.float64]]:
        """The fixed arrays, by name."""
        return {v.name: v.layer.fixed for v in self.constants if v.layer.fixed is not None}

    @property
    def initial(self) -> dict[str, float | None]:
        """The initial value of each parameter's numbers; None for random ones."""
        starts = {v.name: v.layer.init for v in self.constants if v.name in self.parameters}
        return {key: None if start is None else float(start) for key, start in starts.items()}

    @cached_property
    def _constants_by_reader(self) -> Mapping[str, tuple[Vertex, ...]]:
        """The constants, by the first vertex that depends on each, directly or through other constants."""
        position = {v.name: n for n, v in enumerate(self.varying)}
        first: dict[str, str] = {}
        for c in reversed(self.constants):
            readers = [first.get(k.name, k.name) for k in self.children(c.name)]
            first[c.name] = min(readers, key=position.__getitem__)
        by_reader: dict[str, tuple[Vertex, ...]] = {}
        for c in self.constants:
            by_reader[first[c.name]] = (*by_reader.get(first[c.name], ()), c)
        return by_reader

    def constants_of(self, vertex: Vertex) -> tuple[Vertex, ...]:
        """The constants of which `vertex` is the first reader, directly or through others, in topological order."""
        return self._constants_by_reader.get(vertex.name, ())

    def parameters_of(self, vertex: Vertex) -> dict[str, tuple[int, ...]]:
        """The parameters that `vertex` is the first to use."""
        return {c.name: c.shape for c in self.constants_of(vertex) if c.name in self.parameters}

    def renamed(self, label: Mapping[str, str]) -> Network:
        """The same network with other names for vertices; parameters keep theirs."""

        def other(v: Vertex) -> Vertex:
            groups = (v.operands, v.inputs, v.conditions)
            operands, inputs, conditions = (tuple(label.get(name, name) for name in names) for names in groups)
            return replace(v, name=label.get(v.name, v.name), operands=operands, inputs=inputs, conditions=conditions)

        network = self.with_vertices(tuple(map(other, self.varying)), tuple(map(other, self.constants)))
        network._set(energies=tuple((label.get(name, name), count) for name, count in self.energies))
        return network

    def with_vertices(self, varying: tuple[Vertex, ...], constants: tuple[Vertex, ...]) -> Network:
        """The same network, made of other vertices."""
        network = object.__new__(Network)
        network._set(varying=varying, constants=constants, energies=self.energies, nodes=self.nodes)
        return network

    @property
    def nonlinearities(self) -> dict[tuple[sp.Expr, ...], list[str]]:
        """f, f′, f″ and f‴ of every function of one unit, with the vertices that have it."""
        users: dict[tuple[sp.Expr, ...], list[str]] = {}
        for name, nonlinearity in self.nonlinear.items():
            users.setdefault(nonlinearity.derivatives, []).append(name)
        return users

    @property
    def text(self) -> str:
        """A canonical description of what the network computes, without the places where it was written."""
        lines = [
            f"{v.name} = {v.layer.text}({', '.join(v.operands)}) -> {' x '.join(map(str, v.shape))}"
            for v in self.all_vertices
        ]
        return "\n".join([*lines, "energy = " + " + ".join(f"{n}*{name}" for name, n in self.energies)]) + "\n"

    @property
    def summary(self) -> str:
        """The network for people, one line for each vertex."""
        made = [v for v in self.constants if v.operands]
        lines = [f"{v.name} = {v.layer.summary(v.operands)}, shape {v.shape}" for v in made]
        lines += [f"{v.name} = {v.layer.summary(v.operands)}, {_size(v.shape)}" for v in self.varying]
        energies = [name if count == 1 else f"{count} {name}" for name, count in self.energies]
        return "\n".join([*lines, f"energy = the sum over the units of {' + '.join(energies)}"])

    @property
    def fingerprint(self) -> str:
        """The sha256 of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _size(shape: tuple[int, ...]) -> str:
    return counted(shape[0], "unit") if len(shape) == 1 else f"shape {shape}"


def _vertex(node: Node, names: Mapping[Node, str]) -> Vertex:
    def passed(chosen: Callable[[Node], bool]) -> tuple[str, ...]:
        """The operands to which derivatives are passed, as far as they are chosen, each once."""
        operands = () if node.layer.detached else node.operands
        return tuple(dict.fromkeys(names[operand] for operand in operands if chosen(operand)))

    return Vertex(
        name=names[node],
        layer=node.layer,
        operands=tuple(names[operand] for operand in node.operands),
        inputs=passed(lambda operand: operand.depends_on_x),
        conditions=passed(lambda operand: operand.batched and not operand.depends_on_x),
        batched=node.batched,
        shape=node.shape,
        origin=node.origin,
    )


def _check_formulas(vertices: Sequence[Vertex]) -> None:
    """Raise `UnsupportedNonlinearity` for a function without a derivative that modules need."""
    for v in vertices:
        try:
            v.layer.prepare(v)
        except UnsupportedNonlinearity as error:
            raise UnsupportedNonlinearity(origin=v.origin, what=f"'{v.name}': {error.what}", hint=error.hint) from None
