"""From printed functions to what a module template lays out: lines, wrapped and in order."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from smgen.backends.facts import Facts, shape_text
from smgen.lower.names import parameter_buffer
from smgen.printers.source import PrintedFunction, Statement

WIDTH: Final = 116


@dataclass(frozen=True, slots=True)
class Function:
    """A private function of the module, ready to lay out."""

    name: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    data: str
    arrays: tuple[str, ...]
    array_names: tuple[str, ...]
    sweeps: tuple[tuple[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]], ...]
    returns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrays:
    """What the arrays of a backend are, and what its module can ask of them."""

    type: str
    library: str
    inspects_values: bool
    needs_contiguous: bool
    counts_in_int32: bool


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a module's context that is the same for every backend."""

    description: tuple[str, ...]
    verdict: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    metadata: tuple[tuple[str, str], ...]


def header(facts: Facts) -> Header:
    """Facts as lines and literals."""
    return Header(
        tuple(facts.description.splitlines()),
        tuple(textwrap.wrap(f"The diagonal recursion is {facts.verdict}.", WIDTH)),
        tuple((key, shape_text(shape)) for key, shape in facts.parameters.items()),
        tuple((key, _literal(value)) for key, value in facts.metadata.items()),
    )


SUMMARIES: Final = {
    "energy": "E, (N,).",
    "score": "−δ at the input, (N, D).",
    "hessian_diagonal": "δ′ at the input, (N, D).",
    "loss_terms": "K, L and J, means over the batch.",
    "loss_and_grad": "J and its gradient: the merged sweep.",
    "loss_and_grad_terms": "K, L and the gradient of each: the source's separate sweeps.",
}


def lay_out(facts: Facts, printed: PrintedFunction) -> Function:
    """A printed function as the template's context has it."""
    base = printed.name.removesuffix("_lam0")
    keys = {parameter_buffer(key, shape).name: key for key, shape in facts.parameters.items()}
    return Function(
        printed.name,
        SUMMARIES[base] + (" λ = 0." if base != printed.name else ""),
        tuple((name, keys[name]) for name in printed.reads if name in keys),
        next((name for name in printed.reads if name.startswith("g_")), ""),
        wrapped(b.name for b in printed.arrays),
        wrapped(f'"{b.name}"' for b in printed.arrays),
        tuple((sweep.name, tuple(map(commented, sweep.statements))) for sweep in printed.sweeps),
        _returns(facts, base, printed.outputs),
    )


def commented(statement: Statement, width: int = WIDTH - 6) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines of a statement's comment, and its code."""
    comment = textwrap.wrap(statement.math, width, subsequent_indent="    ", break_long_words=False)
    return tuple(comment), statement.code


def wrapped(names: Iterable[str]) -> tuple[str, ...]:
    """Names with a comma after each, in lines of the module's width."""
    return tuple(textwrap.wrap(", ".join([*names, ""]).rstrip(), WIDTH - 8))


def _literal(value: str | bool | int) -> str:
    return repr(value) if isinstance(value, bool | int) else json.dumps(value, ensure_ascii=False)


def _returns(facts: Facts, base: str, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the return statement: numbers, then gradients as dicts in the order of PARAMS."""
    numbers = {"loss_and_grad": 1, "loss_and_grad_terms": 2}.get(base, len(outputs))
    groups = {"loss_and_grad": 1, "loss_and_grad_terms": 2}.get(base, 0)
    lines = ["return " + ", ".join(outputs[:numbers])]
    count = len(facts.parameters)
    for group in range(groups):
        names = outputs[numbers + group * count : numbers + (group + 1) * count]
        lines[-1] += ", {"
        lines += [f'    "{key}": {name},' for key, name in zip(facts.parameters, names, strict=True)]
        lines.append("}")
    return tuple(lines)
