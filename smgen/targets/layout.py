"""Turns printed functions into the context of a module template: lines, wrapped and in order."""

from __future__ import annotations

import base64
import json
import textwrap
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from smgen.ir import BATCH, Buffer, Function
from smgen.layers.letters import G, fixed_buffer, parameter_buffer
from smgen.objectives import SIGMA, WEIGHTS
from smgen.targets.arguments import Data, data_of
from smgen.targets.build_info import BuildInfo, shape_text
from smgen.targets.selftest import SelfTest, selftest
from smgen.targets.source import WIDTH, NamedArray, PrintedSweep, Statement

WRITTEN: Final = 64
"""The most numbers of a fixed array that are written out in Python."""

Sweeps: TypeAlias = tuple[tuple[tuple[str, ...], tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]], ...]
"""For each sweep, the lines of its heading, and the comments and code of its statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """The arrays of a backend, and the properties that its module can check."""

    type: str
    library: str
    alias: str
    inspects_values: bool
    needs_contiguous: bool
    counts_in_int32: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The part of a module's context that is the same for every backend.

    `gradients` says whether any function returns gradients. The fields from `takes_probes` on say what functions take,
    so that there are checks for it; `absent` are functions that the module was built without.
    """

    description: tuple[str, ...]
    verdict: tuple[str, ...]
    notation: tuple[str, ...]
    formulas: tuple[str, ...]
    parameters: tuple[tuple[str, str, str], ...]
    metadata: tuple[tuple[str, str], ...]
    fixed: tuple[str, ...]
    decodes: bool
    gradients: bool
    selftest: SelfTest
    takes_probes: bool
    takes_vectors: bool
    takes_numbers: bool
    takes_sums: bool
    weighs: bool
    takes_wrt_x: bool
    means: bool
    noisy: bool
    noise_is_condition: bool
    bounded: bool
    shapes_like_x: str
    shapes_of_x: str
    shape_of_x: str
    absent: tuple[tuple[str, str], ...]

    @property
    def draws(self) -> bool:
        """Whether functions take a generator."""
        return self.noisy or self.takes_probes


NOTATION: Final = (
    "Products of vectors are taken unit by unit, G v, W v and Θ v with a capital letter are products of a matrix and a "
    "vector, W ∘ V is taken entry by entry; Σ_n sums over samples, Σ_i over units, Σ_j over the rows of a matrix"
)
OF_TANGENTS: Final = (
    ", Σ_c over the tangents of a sample: ġ is one of them, [ġ] the matrix of all, (ġ)_c one that is the same for all "
    "samples"
)
OF_TENSORS: Final = (
    "; products of tensors are taken unit by unit, Σ_p sums over the places of a tensor, windows(a) has a row for each "
    "place of a kernel and fold(a) adds such rows up where they came from, sum, pick and mix act along an axis, "
    "[A] [B] is a product of matrices of the sample, and max is a formal constant"
)
OF_PATCHES: Final = (
    "; in chains of convolutions a tangent is along one place of a unit's field, a window on x, and one channel: "
    "patches(ġ) has what the taps of a convolution read, each along the place that the tap moves it to, fold(u) of "
    "tangents adds up where such rows came from, or for each input what fields have along it, and ∂J/∂δ′_x|k has "
    "∂J/∂δ′_x of the input that each tangent of k is along"
)
OF_ROWS: Final = (
    "; ρ_v has a row for each unit of what a layer reads, its slopes by v (ρ_v|p: of p), and ρ̂ is the adjoint of ρ"
)


def header(info: BuildInfo, note: str = "") -> Header:
    """The header of a module, as lines and literals. `note` is a sentence about the passes."""
    tangents = OF_TANGENTS * bool(info.mode)
    arguments = {given for function in info.functions for given in function.given if given != WEIGHTS}
    weighs = any(function.is_loss for function in info.functions)
    shapes = dict.fromkeys([(info.units,), info.shape])
    ways = OF_PATCHES * info.quality.patches + OF_ROWS * info.quality.rows
    return Header(
        description=tuple(info.description.splitlines()),
        verdict=tuple(textwrap.wrap(f"{info.verdict_sentence} {note}", WIDTH)),
        notation=tuple(textwrap.wrap(f"{NOTATION}{tangents}{OF_TENSORS * info.tensors}{ways}.", WIDTH)),
        formulas=tuple(line for text in info.formulas for line in textwrap.wrap(text, WIDTH, subsequent_indent="    ")),
        parameters=tuple((key, shape_text(shape), repr(info.initial[key])) for key, shape in info.parameters.items()),
        metadata=tuple((key, _literal(value)) for key, value in info.metadata.items()),
        fixed=tuple(fixed_lines(info)),
        decodes=any(array.size > WRITTEN for array in info.fixed.values()),
        gradients=info.gradients,
        selftest=selftest(info),
        takes_vectors=any(given.is_like_x for given in arguments),
        takes_numbers=any(not given.is_like_x for given in arguments) or weighs,
        takes_sums=any(
            f.objective is not None and f.objective.total == "sum" and f.weighing != "none" for f in info.functions
        ),
        weighs=weighs,
        takes_wrt_x=any(function.is_loss and function.by_x for function in info.functions),
        means=info.evaluates,
        noisy=SIGMA in arguments,
        noise_is_condition=any(condition.name == SIGMA.name for condition in info.conditions),
        bounded=any(objective.domain != (None, None) for objective in info.objectives),
        takes_probes=info.takes_probes,
        shapes_like_x=_tuple(f"(n, {', '.join(map(str, shape))})" for shape in shapes),
        shapes_of_x=_tuple(shape_text(shape) for shape in shapes),
        shape_of_x=shape_text(info.shape),
        absent=tuple(info.absent),
    )


def _tuple(texts: Iterable[str]) -> str:
    return f"({', '.join(texts)},)"


def storage(arrays: Iterable[NamedArray]) -> Iterator[str]:
    """The shapes of arrays, each with what is written to it, in lines of the module's width."""
    line = ""
    for array in arrays:
        sizes = ", ".join(f'"{dim}"' if dim == BATCH else str(dim) for dim in array.shape)
        entry = f'({sizes}, "{" ".join(array.names)}"),'
        if line and len(line) + len(entry) > WIDTH - 12:
            yield line
            line = ""
        line += f" {entry}" if line else entry
    if line:
        yield line


def summary(function: Function) -> str:
    """A function's docstring."""
    return f"{function.summary}.{' λ = 0.' * (function.lam == 'zero')}"


def parameters(info: BuildInfo, reads: Iterable[Buffer]) -> tuple[tuple[str, str], ...]:
    """The variables and keys of the parameters that a function reads."""
    keys = {parameter_buffer(key, shape).name: key for key, shape in info.parameters.items()}
    return tuple((b.name, keys[b.name]) for b in reads if b.name in keys)


def fixed(info: BuildInfo, reads: Iterable[Buffer]) -> tuple[tuple[str, str], ...]:
    """The variables and names of the fixed arrays that a function reads."""
    keys = {fixed_buffer(key, array.shape).name: key for key, array in info.fixed.items()}
    return tuple((b.name, keys[b.name]) for b in reads if b.name in keys)


def fixed_lines(info: BuildInfo) -> Iterator[str]:
    """The entries of a module's dict of fixed arrays: numbers, or their bytes as text where there are many."""
    for key, array in info.fixed.items():
        shape = shape_text(array.shape)
        if array.size <= WRITTEN:
            text = f'"{key}": np.array({array.ravel().tolist()}, DTYPE).reshape({shape}),'
            yield from textwrap.wrap(text, WIDTH - 4, subsequent_indent="    ", break_long_words=False)
            continue
        yield f'"{key}": _decoded('
        coded = base64.b64encode(zlib.compress(array.astype("<f8").tobytes(), 9)).decode()
        yield from (f'    "{coded[n : n + WIDTH - 12]}"' for n in range(0, len(coded), WIDTH - 12))
        yield f"    , {shape}),"


def data_arguments(info: BuildInfo, function: Function) -> tuple[Data, ...]:
    """What a function takes besides x."""
    probes = info.method.probes if info.takes_probes else 0
    return data_of(function, units=info.units, probes=probes, probe_values=info.probe_values)


def data(reads: Iterable[Buffer]) -> str:
    """The name of the variable for x; empty if the function does not read x."""
    return next((b.name for b in reads if b.batched and b.role == G.code), "")


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
    """Names separated by commas, in lines of the module's width."""
    return tuple(textwrap.wrap(", ".join([*names, ""]).rstrip(), WIDTH - 8, break_long_words=False))


def _literal(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def returns(info: BuildInfo, function: Function, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the return statement: results, gradients as dicts in the order of PARAMS, then ∂/∂x."""
    count, by_x = len(info.parameters), outputs[len(outputs) - 1 :] if function.by_x else ()
    first = len(outputs) - count * len(function.gradients) - len(by_x)
    if not function.gradients:
        return (f"return {', '.join(outputs)}",)
    lines = [f"return {', '.join(outputs[:first])}{', ' * bool(first)}{{"]
    for group in range(len(function.gradients)):
        names = outputs[first + group * count : first + (group + 1) * count]
        lines[-1] += ", {" * bool(group)
        lines += [f'    "{key}": {name},' for key, name in zip(info.parameters, names, strict=True)]
        lines.append("}")
    lines[-1] += "".join(f", {name}" for name in by_x)
    return tuple(lines)
