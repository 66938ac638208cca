"""Every commented statement of NumPy modules computes what its comment says: all goldens, the catalogue in every mode.

A module is traced, line by line; when a statement is done, the right-hand side of its comment is evaluated with the
values that letters had in the comments before it, and compared with the array.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.layers.nodes import Node
from smgen.loader import load_source
from smgen.network import Network
from tests.equations.evaluator import Equation, Value
from tests.generated import NUMPY_MODULES, generate
from tests.networks import CATALOGUE

SAMPLES = 11
"""No layer of the networks has so many units, so that an axis of this length is the batch."""


STEPS = re.compile(r"_(energy|score|hessian_diagonal|loss_terms|loss_and_grad|loss_and_grad_terms)(_lam0)?|tile")
"""What the functions that compute are called, in a module."""

NUMBER = re.compile(r" +(\(§?[\d.]+\)(\+\(\d+\))*|\[\+\] \w+)$")
"""The number of an equation, at its end."""


@dataclass(frozen=True)
class Statement:
    """Lines `first` to `last`, which assign `variable` under an equation."""

    equation: str
    variable: str
    first: int
    last: int


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
        first = position
        while lines[position].strip() and not re.match(r"\s*(#|return|def |\()", lines[position]):
            position += 1
        assigned = [m[1] for line in lines[first:position] if (m := re.match(r"\s*(\w+) = ", line))]
        if assigned:
            statements[first + 1] = Statement(text, assigned[-1], first + 1, position)
    return statements


def axes_of(array: npt.NDArray[Any]) -> str:
    batched = array.ndim > 0 and array.shape[0] == SAMPLES
    names = ("n", "nu", "ncu") if batched else ("", "u", "uw")
    return names[int(array.ndim) - batched]


class Reader:
    """Checks the statements of one call as they are done."""

    def __init__(self, file: str, source: str, letters: dict[str, Value], within: float) -> None:
        self.file, self.within = file, within
        self.statements = statements(source)
        self.letters = letters
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
        value = Equation(right, self.letters).value()
        axes = axes_of(array)
        if axes == "ncu" and value.is_matrix:  # the rows of a sample's matrix are tangents
            value = value.renamed(u="c", w="u")
        assert set(value.axes) <= set(axes), f"{statement.equation}: {value.axes} is not {axes}"
        expected = np.broadcast_to(value.spread(axes), array.shape)
        scale = np.abs(expected).max(initial=1e-6)
        if not np.abs(array - expected).max(initial=0) <= self.within * scale:
            self.wrong.append(f"line {statement.first}: {statement.equation}")
        self.checked.append(statement.equation)
        if letter:
            self.letters[letter] = Value(array.copy(), axes)


def call(module: ModuleType, function: str, text: str, lam: float, within: float) -> Reader:
    rng = np.random.default_rng(1)
    params = module.init_params(2)
    for value in params.values():
        value += rng.normal(0, 0.3, value.shape).astype(value.dtype)
    x = rng.normal(size=(SAMPLES, module._D)).astype(module.DTYPE)
    by_letter: dict[str, Any] = {"g_x": x, "λ": lam, "N": SAMPLES, "pi": np.pi}
    for key, value in params.items():
        layer, _, role = key.partition(".")
        own = "Θ" if value.ndim == 2 else "θ"
        by_letter[f"{ {'weight': 'W', 'bias': 'b', 'gain': 's', '': own}[role] }_{layer}"] = value
    keywords: dict[str, Any] = {}
    if hasattr(module, "draw_probes"):
        by_letter["v"] = module.draw_probes(SAMPLES, 3)
        keywords = {"probes": by_letter["v"]} if function not in ("energy", "score") else {}
    values = {name: Value(np.asarray(a, np.float64), axes_of(np.asarray(a))) for name, a in by_letter.items()}
    arguments = (params, x, lam) if function.startswith("loss") else (params, x)
    reader = Reader(module.energy.__code__.co_filename, text, values, within)
    sys.settrace(reader.trace)
    try:
        getattr(module, function)(*arguments, **keywords)
    finally:
        sys.settrace(None)
    return reader


@pytest.mark.parametrize("lam", [0.0, 0.3])
@pytest.mark.parametrize(("example", "name"), NUMPY_MODULES)
def test_comments_are_true(example: str, name: str, lam: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    text = generate(example)[name]
    check(load_source(text, name), text, lam, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_comments_of_the_catalogue_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    network: Network = CATALOGUE[name]()
    for mode in ("diagonal", "exact", "hutchinson"):
        text = source(
            network,
            build_info(network, Path("net.py"), Options(backend="numpy", dtype="float64", hessian=mode, probes=2)),
        )
        module = load_source(text, f"{name}-{mode}")
        for lam in (0.0, 0.3):
            check(module, text, lam, 1e-9)


WEIGHTS: dict[str, Callable[[Node], Node]] = {
    "atan": sm.atan,
    "pseudo_huber": sm.pseudo_huber,
    "student_t": sm.student_t,
    "rational": lambda w: w / (1 + w**2),
    "ratio": lambda w: sm.pointwise((w, sm.parameter((3, 2))), lambda a, b: a / (1 + b**2)),
    "row": lambda w: w * sm.parameter(2),
    "column": lambda w: sm.exp(sm.parameter((3, 1))) * w,
    "one": lambda w: w / sm.softplus(sm.parameter(1)),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_comments_of_functions_of_weights_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices are multiplied entry by entry there, and formulas are of parameters."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    weights = WEIGHTS[name](sm.parameter((3, 2)))
    network = Network(energy=sm.softplus(sm.linear(sm.input(2), 3, weights=weights)))
    text = source(network, build_info(network, Path("net.py"), Options(dtype="float64")))
    for lam in (0.0, 0.3):
        check(load_source(text, name), text, lam, 1e-9)


def check(module: ModuleType, text: str, lam: float, within: float) -> None:
    functions = ["loss_terms", "loss_and_grad", "loss_and_grad_terms"]
    if lam == 0:
        functions += ["energy", "score", "hessian_diagonal"]
    for function in functions:
        reader = call(module, function, text, lam, within)
        assert reader.wrong == []
        assert reader.checked


@pytest.mark.parametrize(("example", "name"), NUMPY_MODULES)
def test_a_module_begins_with_the_mathematics(example: str, name: str) -> None:
    """The first equation stands on the first screens, and what runs the module comes after the last."""
    source = generate(example)[name]
    assert min(statements(source)) <= 100
    mathematics, _, rest = source.partition("# ==== What a user calls ====")
    assert "def tile(" in mathematics
    assert "def tile(" not in rest
