"""The network: a graph of frozen values, made from a description and checked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property
from typing import Final

import sympy as sp

from smgen.calculus.derivatives import Nonlinearity
from smgen.errors import NetworkError, UnsupportedNonlinearity, counted, several, shortened
from smgen.layers.nodes import Node
from smgen.layers.protocol import Vertex
from smgen.network.names import check_shared, named
from smgen.origins import here


@dataclass(frozen=True)
class Network:
    """An energy-based network: E(x) is the sum over all units of the energy vertices.

    `vertices` depend on x and are in topological order, x first. `constants` depend on parameters alone, in topological
    order: the parameters, and the vertices that are made of them. `energies` maps an energy vertex to how often it is
    counted. `nodes` are all nodes of the network. Raises `NetworkError` for cycles, duplicate or unusable names,
    several inputs, and weights shared between unequal layers.
    """

    energy: InitVar[Node | Sequence[Node]]
    vertices: tuple[Vertex, ...] = field(init=False)
    constants: tuple[Vertex, ...] = field(init=False)
    energies: tuple[tuple[str, int], ...] = field(init=False)
    nodes: tuple[Node, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self, energy: Node | Sequence[Node]) -> None:
        roots = _energy_nodes(energy)
        order = _topological(roots)
        names = named(order)
        vertices = {names[node]: _vertex(node, names) for node in reversed(order)}
        ordered = [vertices[name] for name in dict.fromkeys(names[node] for node in order)]
        alive = {names[node] for node in order if node.depends_on_x}
        self._set(
            vertices=tuple(v for v in ordered if v.name in alive),
            constants=tuple(v for v in ordered if v.name not in alive),
            energies=tuple(Counter(names[root] for root in roots).items()),
            nodes=tuple(order),
        )
        check_shared(order, names)
        _check_formulas(ordered)

    def _set(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def input(self) -> Vertex:
        """The vertex of the data vector x."""
        return self.vertices[0]

    @property
    def all_vertices(self) -> tuple[Vertex, ...]:
        """The constants, then the vertices: every one after its operands."""
        return (*self.constants, *self.vertices)

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
            for operand in dict.fromkeys(v.operands):
                readers[operand].append(v)
        return {name: tuple(vertices) for name, vertices in readers.items()}

    def children(self, name: str) -> tuple[Vertex, ...]:
        """The vertices that read `name`, each once: V_j of the equations."""
        return self._readers[name]

    @cached_property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Parameter name → shape, in order of first use; names and (out, in) shapes as in a torch `state_dict`."""
        return {v.name: v.shape for v in self.constants if not v.operands}

    @property
    def initial(self) -> dict[str, float | None]:
        """The initial value of each parameter's numbers; None for random ones."""
        starts = {v.name: v.layer.init for v in self.constants if not v.operands}
        return {key: None if start is None else float(start) for key, start in starts.items()}

    @cached_property
    def _constants_by_reader(self) -> Mapping[str, tuple[Vertex, ...]]:
        """The constants, by the first vertex that depends on each, directly or through other constants."""
        position = {v.name: n for n, v in enumerate(self.vertices)}
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
        return {c.name: c.shape for c in self.constants_of(vertex) if not c.operands}

    def renamed(self, label: Mapping[str, str]) -> Network:
        """The same network with other names for vertices; parameters keep theirs."""

        def other(v: Vertex) -> Vertex:
            operands, inputs = (tuple(label.get(name, name) for name in names) for names in (v.operands, v.inputs))
            return replace(v, name=label.get(v.name, v.name), operands=operands, inputs=inputs)

        network = object.__new__(Network)
        network._set(
            vertices=tuple(map(other, self.vertices)),
            constants=tuple(map(other, self.constants)),
            energies=tuple((label.get(name, name), count) for name, count in self.energies),
            nodes=self.nodes,
        )
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
        lines += [f"{v.name} = {v.layer.summary(v.operands)}, {counted(v.units, 'unit')}" for v in self.vertices]
        energies = [name if count == 1 else f"{count} {name}" for name, count in self.energies]
        return "\n".join([*lines, f"energy = the sum over the units of {' + '.join(energies)}"])

    @property
    def fingerprint(self) -> str:
        """The sha256 of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _vertex(node: Node, names: Mapping[Node, str]) -> Vertex:
    return Vertex(
        name=names[node],
        layer=node.layer,
        operands=tuple(names[operand] for operand in node.operands),
        inputs=tuple(dict.fromkeys(names[operand] for operand in node.operands if operand.depends_on_x)),
        shape=node.shape,
        origin=node.origin,
    )


def _energy_nodes(energy: Node | Sequence[Node]) -> list[Node]:
    roots = [energy] if isinstance(energy, Node) else list(energy) if isinstance(energy, list | tuple) else []
    if not roots or not all(isinstance(root, Node) for root in roots):
        raise NetworkError(
            origin=here(),
            what=f"sm.Network(energy=…) takes a node or a list of nodes; got {shortened(energy)}",
            hint="pass what sm.linear, sm.pointwise, sm.add … returned",
        )
    return roots


_ONE_INPUT: Final = (
    "make one sm.input of all the units. The derivatives by all of them then enter the loss, those by the second "
    "input's too: what only comes with a sample (a label, a condition) does not belong there"
)


def _topological(roots: list[Node]) -> list[Node]:
    """Depth-first order, every node after its operands.

    Raises `NetworkError` on a cycle, on several inputs, and for an energy that does not depend on x.
    """
    order: list[Node] = []
    open_nodes: set[Node] = set()
    stack = [(root, False) for root in reversed(roots)]
    done: set[Node] = set()
    while stack:
        node, operands_done = stack.pop()
        if operands_done:
            open_nodes.discard(node)
            done.add(node)
            order.append(node)
        elif node in open_nodes:
            raise NetworkError(
                origin=node.origin, what=f"{node} depends on itself", hint="a network is a graph without cycles"
            )
        elif node not in done:
            open_nodes.add(node)
            stack.append((node, True))
            stack.extend((i, False) for i in reversed(node.operands) if i not in done)
    inputs = [node for node in order if node.layer.is_data]
    if len(inputs) != 1:
        raise NetworkError(
            origin=inputs[-1].origin if inputs else order[0].origin,
            what=f"the energy must depend on exactly one input; got {several(inputs) or 'none'}",
            hint=_ONE_INPUT
            if inputs
            else "begin with x = sm.input(units): E is a function of x, not of parameters alone",
        )
    for root in roots:
        if not root.depends_on_x:
            what = f"{root} does not depend on x: as an energy it changes no density"
            raise NetworkError(origin=root.origin, what=what, hint="leave it out of energy=")
    return order


def _check_formulas(vertices: Sequence[Vertex]) -> None:
    """Raise `UnsupportedNonlinearity` for a function without a derivative that modules need."""
    for v in vertices:
        try:
            v.layer.prepare(v)
        except UnsupportedNonlinearity as error:
            raise UnsupportedNonlinearity(origin=v.origin, what=f"'{v.name}': {error.what}", hint=error.hint) from None
