"""The nodes of a network, read from the lines that a module's docstring has of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

LINE = re.compile(r"    (\w+) = (.*?)(?:, a formal constant)?, (?:shape \(([\d, ]*)\)|(\d+) units?)")
"""`conv2d_1 = conv2d(x, conv2d_1.weight, stride=2), shape (4, 3, 5)` or `…, 3 units`."""


@dataclass(frozen=True)
class Node:
    """kind(operands, arguments, options) of a shape. Operands are names of nodes and parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    operands: tuple[str, ...] = ()
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def labels(self) -> tuple[str, ...]:
        """What it is called in letters and variables: `sum_1` is sum__1 where that keeps names apart."""
        return (self.name, self.name.replace("_", "__"))


def nodes_of(docstring: str) -> dict[str, Node]:
    """By name, in the order of the docstring."""
    nodes: dict[str, Node] = {}
    for line in docstring.splitlines():
        if match := LINE.fullmatch(line):
            name, text, shape, units = match.groups()
            sizes = tuple(int(size) for size in shape.split(",") if size.strip()) if units is None else (int(units),)
            nodes[name] = _node(name, text, sizes)
    return nodes


def _node(name: str, text: str, shape: tuple[int, ...]) -> Node:
    text = re.sub(r"^pointwise\[.*\]\((.*)\)$", r"pointwise(\1)", text)
    if text.startswith("slice("):
        operand, _, parts = text.removeprefix("slice(").removesuffix(")").partition(", ")
        return Node(name, "slice", shape, (operand,), tuple(map(_part, parts.split(", "))))
    tree = ast.parse(text, mode="eval").body
    if not isinstance(tree, ast.Call):
        operands = [ast.unparse(leaf) for leaf in ast.walk(tree) if isinstance(leaf, ast.Name | ast.Attribute)]
        kind = "matmul" if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.MatMult) else "formula"
        return Node(name, kind, shape, tuple(operands))
    values = [ast.unparse(leaf) if isinstance(leaf, ast.Attribute) else _literal(leaf) for leaf in tree.args]
    known = [value for value in values if isinstance(value, str)]
    others = tuple(value for value in values if not isinstance(value, str))
    options = {str(keyword.arg): _literal(keyword.value) for keyword in tree.keywords}
    return Node(name, ast.unparse(tree.func), shape, tuple(known), others, options)


def _literal(tree: ast.expr) -> Any:
    return tree.id if isinstance(tree, ast.Name) else ast.literal_eval(tree)


def _part(text: str) -> Any:
    """`1:` or `::-1` or `3`."""
    if ":" not in text:
        return int(text)
    return slice(*(int(number) if number else None for number in text.split(":")))


def mentioned(text: str, nodes: Mapping[str, Node]) -> list[Node]:
    """The nodes whose names stand in a text, and those that read them."""
    named = {node.name for node in nodes.values() if any(_stands_in(label, text) for label in node.labels)}
    return [node for node in nodes.values() if node.name in named or named & set(node.operands)]


def _stands_in(label: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", text) is not None


def pair(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """A number for each axis."""
    return (value,) * count if isinstance(value, int) else tuple(value)
