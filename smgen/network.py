"""The network description: what a user writes, and the graph of frozen values that it becomes.

`input`, `linear`, `pointwise`, `add`, `concat` and `scale` make `Node`s; `Network` turns the nodes that reach the
energy into `Vertex` values that name their inputs, in topological order, and checks everything that can be checked
without running it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from functools import cached_property

from smgen.derivatives import differentiate
from smgen.errors import NetworkError, UnsupportedNonlinearity, several, shortened
from smgen.nodes import Input, Linear, Node, Op, Pointwise, Scale, is_name
from smgen.origins import here


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One layer of the graph: an operation, the names of the vertices it reads, and where the user wrote it."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    units: int
    origin: str = field(compare=False)

    @property
    def terms(self) -> tuple[tuple[str, int], ...]:
        """Each distinct input once, and how often it is read: `add(a, a)` is one edge of slope 2, not two of 1."""
        return tuple(Counter(self.inputs).items())


@dataclass(frozen=True)
class Network:
    """An energy-based network: E(x) is the sum over all units of the energy vertices.

    `vertices` are in topological order, the input first. `energies` maps an energy vertex to how often it is counted.
    `nodes` are what the vertices were made of, one for one.
    Raises `NetworkError` for cycles, duplicate or unusable names, several inputs, and weights shared between unequal
    layers.
    """

    energy: InitVar[Node | Sequence[Node]]
    vertices: tuple[Vertex, ...] = field(init=False)
    energies: tuple[tuple[str, int], ...] = field(init=False)
    nodes: tuple[Node, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self, energy: Node | Sequence[Node]) -> None:
        roots = _energy_nodes(energy)
        order = _topological(roots)
        names = _names(order)
        vertices = tuple(
            Vertex(
                name=names[node],
                op=_grouped(node, names),
                inputs=tuple(names[i] for i in node.inputs),
                units=node.units,
                origin=node.origin,
            )
            for node in order
        )
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "energies", tuple(Counter(names[root] for root in roots).items()))
        object.__setattr__(self, "nodes", tuple(order))
        _check_shared(vertices)
        _check_pointwise(vertices)

    @property
    def input(self) -> Vertex:
        """The vertex of the data vector x."""
        return self.vertices[0]

    def __getitem__(self, name: str) -> Vertex:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Vertex]:
        return {v.name: v for v in self.vertices}

    @cached_property
    def _children(self) -> dict[str, tuple[Vertex, ...]]:
        return {v.name: tuple(k for k in self.vertices if v.name in k.inputs) for v in self.vertices}

    def children(self, name: str) -> tuple[Vertex, ...]:
        """The vertices that read `name`: V_j of the equations."""
        return self._children[name]

    @cached_property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Parameter name → shape, in order of first use; names and (out, in) shapes as in a torch `state_dict`."""
        return {key: shape for v in self.vertices for key, shape in self.parameters_of(v).items()}

    def parameters_of(self, vertex: Vertex) -> dict[str, tuple[int, ...]]:
        """The parameters that `vertex` is the first to use."""
        match vertex.op:
            case Linear(weights=group, bias=bias):
                if vertex != next(v for v in self.vertices if isinstance(v.op, Linear) and v.op.weights == group):
                    return {}
                weight = {f"{group}.weight": (vertex.units, self[vertex.inputs[0]].units)}
                return weight | ({f"{group}.bias": (vertex.units,)} if bias else {})
            case Scale():
                return {f"{vertex.name}.gain": (vertex.units,)}
            case _:
                return {}

    @property
    def text(self) -> str:
        """A canonical description: what the network computes, without where it was written."""
        lines = [f"{v.name} = {v.op.text}({', '.join(v.inputs)}) -> {v.units}" for v in self.vertices]
        return "\n".join([*lines, "energy = " + " + ".join(f"{n}*{name}" for name, n in self.energies)]) + "\n"

    @property
    def summary(self) -> str:
        """The network in a line a vertex, for people."""
        lines = [f"{v.name} = {v.op.summary}({', '.join(v.inputs)}), {v.units} units" for v in self.vertices]
        energies = [name if count == 1 else f"{count} {name}" for name, count in self.energies]
        return "\n".join([*lines, f"energy = the sum over the units of {' + '.join(energies)}"])

    @property
    def fingerprint(self) -> str:
        """The sha256 of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _energy_nodes(energy: Node | Sequence[Node]) -> list[Node]:
    roots = [energy] if isinstance(energy, Node) else list(energy) if isinstance(energy, list | tuple) else []
    if not roots or not all(isinstance(root, Node) for root in roots):
        raise NetworkError(
            origin=here(),
            what=f"sm.Network(energy=…) takes a node or a list of nodes; got {shortened(energy)}",
            hint="pass what sm.linear, sm.pointwise, sm.add … returned",
        )
    return roots


def _topological(roots: list[Node]) -> list[Node]:
    """Depth-first order, every node after its inputs. Raises `NetworkError` on a cycle or on several inputs."""
    order: list[Node] = []
    open_nodes: set[Node] = set()
    stack = [(root, False) for root in reversed(roots)]
    done: set[Node] = set()
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
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
            stack.extend((i, False) for i in reversed(node.inputs) if i not in done)
    inputs = [node for node in order if isinstance(node.op, Input)]
    if len(inputs) != 1:
        raise NetworkError(
            origin=inputs[-1].origin if inputs else order[0].origin,
            what=f"the energy must depend on exactly one input; got {several(inputs) or 'none'}",
            hint="make one sm.input of all the units. The derivatives by all of them then enter the loss, those by the "
            "second input's too: what only comes with a sample (a label, a condition) does not belong there",
        )
    return order


def _names(order: list[Node]) -> dict[Node, str]:
    """The user's names, and `linear_1`, `softplus_2`, … for the rest, numbered by kind."""
    names: dict[Node, str] = {}
    taken: dict[str, Node] = {}
    for node in order:
        if node.name is None:
            continue
        if not is_name(node.name):
            raise NetworkError(
                origin=node.origin,
                what=f"name must be an ASCII Python identifier and no keyword; got {shortened(node.name)}",
                hint="it becomes part of the generated code: choose a name such as 'layer_1'",
            )
        if node.name in taken:
            raise NetworkError(
                origin=node.origin,
                what=f"the name '{node.name}' is taken by the node of {taken[node.name].origin}",
                hint="choose another name; to share weights write sm.linear(…, weights='filters')",
            )
        names[node], taken[node.name] = node.name, node
    counts: Counter[str] = Counter()
    for node in order:
        if node in names:
            continue
        kind = node.op.kind
        if isinstance(node.op, Input) and "x" not in taken:
            names[node], taken["x"] = "x", node
            continue
        while True:
            counts[kind] += 1
            name = f"{kind}_{counts[kind]}"
            if name not in taken:
                break
        names[node], taken[name] = name, node
    return names


def _grouped(node: Node, names: dict[Node, str]) -> Op:
    """A linear operation with its weights' group: its own name unless the user shares."""
    if isinstance(node.op, Linear) and not node.op.weights:
        return Linear(node.op.bias, names[node])
    return node.op


def _check_shared(vertices: tuple[Vertex, ...]) -> None:
    by_name = {v.name: v for v in vertices}
    first: dict[str, Vertex] = {}
    for v in vertices:
        if not isinstance(v.op, Linear):
            continue
        group = v.op.weights
        named = by_name.get(group, v)
        if not isinstance(named.op, Linear) or named.op.weights != group:
            own = f"shares '{named.op.weights}'" if isinstance(named.op, Linear) else "has none to share"
            raise NetworkError(
                origin=v.origin,
                what=f"'{v.name}' shares the weights of '{group}' ({named.origin}), which {own}",
                hint="weights= takes the name of a linear layer with weights of its own, or a name that no layer has",
            )
        other = first.setdefault(group, v)
        mine, expected = (_weights_text(w, by_name) for w in (v, other))
        if mine != expected:
            raise NetworkError(
                origin=v.origin,
                what=f"'{v.name}' has {mine}, but shares '{group}' with '{other.name}' ({other.origin}), "
                f"which has {expected}",
                hint="layers that share weights have equal (out, in) shapes and both a bias or neither",
            )


def _weights_text(v: Vertex, by_name: dict[str, Vertex]) -> str:
    bias = "a bias" if isinstance(v.op, Linear) and v.op.bias else "no bias"
    return f"weights ({v.units}, {by_name[v.inputs[0]].units}) and {bias}"


def _check_pointwise(vertices: tuple[Vertex, ...]) -> None:
    for v in vertices:
        if isinstance(v.op, Pointwise):
            try:
                differentiate(v.op.expr)
            except UnsupportedNonlinearity as error:
                raise UnsupportedNonlinearity(
                    origin=v.origin, what=f"'{v.name}': {error.what}", hint=error.hint
                ) from None
