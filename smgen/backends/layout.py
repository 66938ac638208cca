"""From printed functions to what a module template lays out: lines, wrapped and in order."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from smgen.backends.facts import Facts, shape_text
from smgen.lower.names import parameter_buffer
from smgen.printers.source import PrintedFunction, PrintedSweep, Statement

WIDTH: Final = 116

Sweeps: TypeAlias = tuple[tuple[tuple[str, ...], tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]], ...]
"""Sweeps: the lines of each one's heading, and the comments and code of its statements."""


@dataclass(frozen=True, slots=True)
class Function:
    """A private function of the module, ready to lay out."""

    name: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    data: str
    probed: bool
    arrays: tuple[str, ...]
    array_names: tuple[str, ...]
    sweeps: Sweeps
    returns: tuple[str, ...]
    chunk: int
    by_rows: bool


@dataclass(frozen=True, slots=True)
class Arrays:
    """What the arrays of a backend are, and what its module can ask of them."""

    type: str
    library: str
    alias: str
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


def header(facts: Facts, note: str = "") -> Header:
    """Facts as lines and literals; `note` is what the passes have to say."""
    return Header(
        tuple(facts.description.splitlines()),
        tuple(textwrap.wrap(f"{facts.statement} {note}", WIDTH)),
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
    "layer_means": "the mean over the units of each layer, (N,) each: which one overflows?",
}


def lay_out(facts: Facts, printed: PrintedFunction, chunk: int) -> Function:
    """A printed function as the template's context has it; `chunk` are the bytes of a sample if memory may be short."""
    return Function(
        printed.name,
        summary(printed.name),
        parameters(facts, printed.reads),
        data(printed.reads),
        "probes" in printed.reads,
        wrapped(b.name for b in printed.arrays),
        wrapped(f'"{b.name}"' for b in printed.arrays),
        sweeps(printed.sweeps),
        returns(facts, printed.name, printed.outputs),
        chunk,
        not printed.name.startswith("loss"),
    )


def summary(name: str) -> str:
    """A function's docstring."""
    base = name.removesuffix("_lam0")
    return SUMMARIES[base] + (" λ = 0." if base != name else "")


def parameters(facts: Facts, reads: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Variables and keys of the parameters that a function reads."""
    keys = {parameter_buffer(key, shape).name: key for key, shape in facts.parameters.items()}
    return tuple((name, keys[name]) for name in reads if name in keys)


def data(reads: Iterable[str]) -> str:
    """The variable that x is read as, if it is."""
    return next((name for name in reads if name.startswith("g_")), "")


def sweeps(printed: tuple[PrintedSweep, ...], width: int = WIDTH - 6) -> Sweeps:
    """Sweeps with their comments wrapped."""
    return tuple(
        (
            tuple(textwrap.wrap(f"---- {sweep.heading}", width, subsequent_indent="     ")),
            tuple(commented(s, width) for s in sweep.statements),
        )
        for sweep in printed
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


def returns(facts: Facts, name: str, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the return statement: numbers, then gradients as dicts in the order of PARAMS."""
    base = name.removesuffix("_lam0")
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
