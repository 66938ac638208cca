"""Arguments of any kind in a description: numbers of other packages, objects that cannot say what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import smgen as sm
from smgen.errors import SmgenError
from smgen.network import Network
from tests.network.refusals import refusal
from tests.objects import objects


def h() -> sm.Node:
    return sm.linear(sm.input(3), 4)


TAKERS: dict[str, Callable[[Any], object]] = {
    "units": lambda value: sm.input(value) and sm.linear(sm.input(3), value),
    "source": lambda value: sm.linear(value, 3),
    "bias": lambda value: sm.linear(h(), 3, bias=value),
    "name": lambda value: Network(energy=sm.linear(h(), 3, name=value)),
    "input's name": lambda value: sm.add(sm.input(3, name=value), sm.input(4, name=value)),
    "weights": lambda value: Network(energy=sm.linear(h(), 3, weights=value)),
    "function": lambda value: sm.pointwise(h(), value),
    "function's value": lambda value: sm.pointwise(h(), lambda g: value),
    "kind": lambda value: sm.pointwise(h(), sympy.exp, kind=value),
    "domain": lambda value: sm.pointwise(h(), sympy.exp, domain=value),
    "least": lambda value: sm.pointwise(h(), sympy.exp, domain=(value, None)),
    "greatest": lambda value: sm.pointwise(h(), sympy.exp, domain=(-1, value)),
    "node": lambda value: sm.tanh(value),
    "sum": lambda value: sm.add(h(), value),
    "nu": lambda value: sm.student_t(h(), nu=value),
    "energy": lambda value: Network(energy=value),
    "energies": lambda value: Network(energy=[h(), value]),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_arguments_of_any_kind_are_taken_or_refused_in_a_line(taker: str) -> None:
    """Also those that cannot say what they are."""
    symbol, matrix = sympy.Symbol("x" * 10**5), sympy.MatrixSymbol("A", 2, 2)
    symbolic = [symbol, matrix, matrix[0, 0], matrix[0, 0] * sympy.Symbol("g"), sympy.IndexedBase("A")[0], sympy.oo]
    long = ["x" * 10**5, [1.0] * 10**5, sympy.Mul(*sympy.symbols("x:1000")), b"x" * 10**5]
    texts = []
    for value in [*objects(np.random.default_rng(0)), *symbolic, *long, np.zeros(10**5)]:
        try:
            TAKERS[taker](value)
        except SmgenError as error:
            texts.append(error.what if error.hint and error.origin.startswith("test_odd_arguments.py:") else "\n")
    assert len(texts) > 20
    assert all(len(text) < 700 and "\n" not in text for text in texts)


@pytest.mark.parametrize(
    ("function", "what"),
    [
        ("sympy.MatrixSymbol('A', 2, 2)[0, 0]", "exactly one symbol; A[0, 0] has A"),
        ("sympy.IndexedBase('A')[0]", "exactly one symbol; A[0] has A, A[0]"),
        ("sympy.Symbol('x' * 10**5) * sympy.Symbol('y')", "xxx… has x"),
        ("lambda g: 1 / 0 if g else g", "the pointwise function raised ZeroDivisionError"),
        (
            "lambda g: sympy.Add(*sympy.symbols('x:999'))",
            "; a formula of 1,000 parts has x0, x1, x10, x100 a",
        ),
    ],
)
def test_functions_without_a_short_text(tmp_path: Path, function: str, what: str) -> None:
    assert what in refusal(tmp_path, f"network = sm.Network(energy=sm.pointwise(h, {function}))\n").what


@pytest.mark.parametrize(
    "domain", ["numpy.array([0., 1.])", "numpy.float32(1)", "[[0, 1], [2, 3]]", "numpy.zeros((2, 2))"]
)
def test_domains_of_other_kinds(tmp_path: Path, domain: str) -> None:
    error = refusal(tmp_path, f"network = sm.Network(energy=sm.pointwise(h, sympy.exp, domain={domain}))\n")
    assert error.what.startswith("domain must be a pair of finite numbers, the lower first, or None for no bound; got ")


def test_ends_of_domains_may_be_numbers_of_numpys() -> None:
    ends: Any = (np.float64(0.1), np.int64(3))
    listed: Any = [0.1, 3]
    layer = sm.pointwise(h(), sympy.sqrt, domain=ends)
    assert sm.pointwise(h(), sympy.sqrt, domain=listed).layer == layer.layer
    assert sm.pointwise(h(), sympy.exp, domain=(None, None)).layer == sm.pointwise(h(), sympy.exp).layer
