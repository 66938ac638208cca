"""Runs a module line by line, and compares each commented statement with its equation when it is done."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from types import FrameType, ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.equations.evaluator import readings
from tests.equations.grammar import tokens_of
from tests.equations.nodes import mentioned, nodes_of
from tests.equations.tensors import Tensors, arranged
from tests.equations.values import Value

SAMPLES: Final = 19
"""No layer of the networks has so many units, so that an axis of this length is the batch."""

STEPS = re.compile(r"_(energy|score|hessian_diagonal|loss_terms|loss_and_grad|loss_and_grad_terms)(_lam0)?|tile")
"""What the functions that compute are called, in a module."""

NUMBER = re.compile(r" +(\(§?[\d.]+\)(\+\(\d+\))*|\[\+\] \w+)$")
"""The number of an equation, at its end."""

INTERMEDIATE = re.compile(r"[a-z]")
"""What the intermediate results of one equation are called."""

FLAT: Final = "flat"

AXES: Final[Mapping[tuple[bool, int], tuple[str, ...]]] = {
    (True, 1): ("n",),
    (True, 2): ("nu",),
    (True, 3): ("npu", "ncu"),
    (True, 4): ("ncpu",),
    (False, 0): ("",),
    (False, 1): ("u",),
    (False, 2): ("uw", "pu", "cu"),
    (False, 3): ("cpu",),
}
"""What the axes of an array may be, by whether the first is the batch, and by their number."""


@dataclass(frozen=True)
class Statement:
    """Lines `first` to `last`, which assign `variable` under an equation."""

    equation: str
    variable: str
    first: int
    last: int


@cache
def statements(source: str) -> dict[int, Statement]:
    """The commented statements, by their first line."""
    lines = source.splitlines()
    statements: dict[int, Statement] = {}
    position = 0
    while position < len(lines):
        if not re.match(r"\s+# (?!----)", lines[position]):
            heading = "# ----" in lines[position]
            position += 1
            while heading and re.match(r"\s+# {6}", lines[position]):
                position += 1
            continue
        start = position
        while re.match(r"\s+#", lines[position]):
            position += 1
        text = " ".join(line.strip().lstrip("# ") for line in lines[start:position])
        first, assigned = position, ""
        steps = _steps(lines, first)
        while _is_code(lines[position]):
            name = _assigned(lines[position])
            if name and assigned not in ("", name, *steps) and not INTERMEDIATE.fullmatch(assigned):
                break  # a statement without an equation: a copy under the same letter
            assigned = name or assigned
            position += 1
        if assigned:
            statements[first + 1] = Statement(text, assigned, first + 1, position)
    return statements


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not re.match(r"\s*(#|return|def |\()", line)


def _assigned(line: str) -> str:
    return match[1] if (match := re.match(r"\s*(\w+) = ", line)) else ""


def _steps(lines: list[str], first: int) -> set[str]:
    """The variables assigned on the way to one whose name theirs begin with: `tangent_h_of_read` for `tangent_h`."""
    names = [_assigned(line) for line in takewhile(_is_code, lines[first:])]
    results = [k for k, name in enumerate(names) if name and any(x.startswith(f"{name}_of_") for x in names[:k])]
    return set(names[: results[-1]]) - {""} if results else set()


def axes_of(array: npt.NDArray[Any]) -> tuple[str, ...]:
    """What the axes may be; FLAT for those that a network has, where the numbers are taken as a vector."""
    batched = array.ndim > 0 and array.shape[0] == SAMPLES
    return (*AXES.get((batched, array.ndim), ()), *((FLAT,) if not batched and array.ndim > 2 else ()))


def value_of(array: npt.NDArray[Any], axes: str) -> Value:
    """A copy of an array, with its axes."""
    return Value(array.flatten(), "u") if axes == FLAT else Value(array.astype(np.float64), axes)


class Reader:
    """Checks the statements of one call as they are done."""

    def __init__(self, file: str, source: str, known: dict[str, list[Value]], tensors: Tensors, within: float) -> None:
        self.file, self.within = file, within
        self.statements = statements(source)
        self.known = known
        self.tensors = tensors
        self.shapes = list(dict.fromkeys(node.shape for node in tensors.nodes.values() if len(node.shape) > 1))
        self.pending: dict[FrameType, Statement] = {}
        self.checked: list[str] = []
        self.wrong: list[str] = []

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != self.file or not STEPS.fullmatch(frame.f_code.co_name):
            return None
        pending = self.pending.get(frame)
        if pending and (event == "return" or not pending.first <= frame.f_lineno <= pending.last):
            del self.pending[frame]
            self.check(pending, frame.f_locals[pending.variable])
        if event == "line" and frame.f_lineno in self.statements:
            self.pending[frame] = self.statements[frame.f_lineno]
        return self.trace

    def check(self, statement: Statement, result: Any) -> None:
        array = np.asarray(result, np.float64)
        equation = NUMBER.sub("", statement.equation)
        letter, _, right = equation.rpartition(" = ")
        read = self.axes_read(right, array, f"{statement.equation} {statement.variable}")
        if not read:
            self.wrong.append(f"line {statement.first}: {statement.equation}")
        self.checked.append(statement.equation)
        values = [value_of(array, axes) for axes in read or axes_of(array)[:1]]
        values += [Value(value.array, "uw") for value in values if value.axes == "cu"]
        key = letter or " ".join(tokens_of(right, self.known))
        before = [] if letter else self.known.get(key, [])
        self.known[key] = [*before, *(value for value in values if not any(value.is_same(other) for other in before))]

    def axes_read(self, right: str, array: npt.NDArray[Any], context: str) -> list[str]:
        """The axes of an array that is what an equation says in one of its readings; none if it is in no reading."""
        for value in readings(right, self.known, self.tensors, context):
            if fitting := [axes for axes in axes_of(array) if self.equal(value, array, axes)]:
                return fitting
            if array.ndim > 2 and value.axes == "uw" and self.is_weight(value, array, context):
                return [FLAT]
        for value in readings(right, self.known, self.tensors, context):
            for axes in axes_of(array):
                for other in arranged(value, axes.replace(FLAT, "u"), array.shape, self.shapes):
                    if self.close(other, array):
                        return [axes]
        return []

    def equal(self, value: Value, array: npt.NDArray[Any], axes: str) -> bool:
        if axes == "ncu" and value.is_matrix and not set("cp") & set(value.axes):
            # The rows of a sample's matrix are tangents.
            value = value.renamed(u="c", w="u")
        if axes == FLAT:
            axes, array = "u", array.flatten()
        value = value.without([axis for axis in "cp" if axis not in axes])
        if not set(value.axes) <= set(axes):
            return False
        spread = value.spread(axes)
        if any(a not in (1, b) for a, b in zip(spread.shape, array.shape, strict=True)):
            return False
        return self.close(np.broadcast_to(spread, array.shape), array)

    def close(self, expected: npt.NDArray[Any], array: npt.NDArray[Any]) -> bool:
        # The rounding of sums that cancel is that of their terms, which are of size 1.
        scale = np.abs(expected).max(initial=1e-4)
        return bool(np.abs(array - expected).max(initial=0) <= self.within * scale)

    def is_weight(self, value: Value, array: npt.NDArray[Any], context: str) -> bool:
        """Whether the array is the gradient of a convolution's weight, and its matrix what the equation says."""
        for node in mentioned(context, self.tensors.nodes):
            if node.kind.startswith("conv") and self.tensors.shapes[node.operands[1]] == array.shape:
                for form in self.tensors.forms(node.operands[1], array):
                    if form.array.shape == value.array.shape and self.close(value.array, form.array):
                        return True
        return False


def conditions_of(module: ModuleType, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
    """Values for the conditions of a module, in their order."""
    values: dict[str, npt.NDArray[Any]] = {}
    for name, (shape, least, greatest, is_label) in getattr(module, "_CONDITIONS", {}).items():
        labels = rng.integers(int(least), int(greatest) + 1, (SAMPLES, *shape)) if is_label else None
        drawn = rng.normal(size=(SAMPLES, *shape)) if labels is None else labels.astype(np.float64)
        if least is not None and labels is None:
            drawn = least + np.abs(drawn)
        values[name] = drawn.astype(module.DTYPE)
    return values


def call(module: ModuleType, function: str, text: str, lam: float, within: float) -> Reader:
    """One call of a function of a module, traced."""
    rng = np.random.default_rng(1)
    params = module.init_params(2)
    for value in params.values():
        value += rng.normal(0, 0.3, value.shape).astype(value.dtype)
    nodes = nodes_of(text)
    tensors = Tensors(nodes, {key: value.shape for key, value in params.items()})
    shape = nodes["x"].shape if "x" in nodes else (module._D,)
    x = rng.normal(size=(SAMPLES, *shape)).astype(module.DTYPE)
    conditions = conditions_of(module, rng)
    rows = np.concatenate([array.reshape(SAMPLES, -1) for array in (x, *conditions.values())], axis=1)
    known = {name: [Value(np.asarray(a, np.float64), "")] for name, a in (("λ", lam), ("N", SAMPLES), ("pi", np.pi))}
    known["x"] = known["g_x"] = [Value(rows.astype(np.float64), "nu")]
    fixed = getattr(module, "FIXED", {})
    for key, value in (*params.items(), *fixed.items()):
        for letter in letters_of(key, value.ndim, fixed=key in fixed):
            array = value.astype(np.float64)
            forms = list(tensors.forms(key, array))
            known[letter] = [*forms, value_of(array, axes_of(array)[-1 if array.ndim > 2 else 0])]
    keywords: dict[str, Any] = dict(conditions)
    if hasattr(module, "draw_probes"):
        probes = module.draw_probes(SAMPLES, 3)
        known["v"] = list(tensors.probes(probes.astype(np.float64), shape))
        keywords |= {"probes": probes} if function not in ("energy", "score") else {}
    arguments = (params, x, lam) if function.startswith("loss") else (params, x)
    for name, (_, *others) in module._TILING.items():  # all samples in one tile
        module._TILING[name] = (SAMPLES, *others)
    reader = Reader(module.energy.__code__.co_filename, text, known, tensors, within)
    sys.settrace(reader.trace)
    try:
        getattr(module, function)(*arguments, **keywords)
    finally:
        sys.settrace(None)
    return reader


def letters_of(key: str, ndim: int, *, fixed: bool) -> list[str]:
    """The letter of a parameter or constant, with and without the double underscore that keeps names apart."""
    layer, _, role = key.partition(".")
    own = ("C" if ndim == 2 else "c") if fixed else "Θ" if ndim == 2 else "θ"
    letter = {"weight": "w" if ndim == 1 else "W", "bias": "b", "gain": "s", "": own}[role]
    return list(dict.fromkeys([f"{letter}_{layer}", f"{letter}_{layer.replace('_', '__')}"]))
