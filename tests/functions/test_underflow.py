"""What is positive in real numbers is 0 far on the left; a quotient by it is warned of, as one formula would be."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import sympy as sp

import smgen as sm
from smgen.errors import NumericsWarning
from smgen.layers.nodes import Node
from smgen.network import Network
from smgen.numerics.one_operand import check_nonlinearities


def warned(energy: Callable[[Node], Node]) -> list[str]:
    network = Network(energy=energy(sm.linear(sm.input(2), 3)))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        check_nonlinearities(network, "float32")
    assert all(w.category is NumericsWarning for w in found)
    return [str(w.message).partition(": ")[2] for w in found]


@pytest.mark.parametrize(
    ("energy", "what"),
    [
        (
            lambda h: 1 / sm.softplus(h),
            "'divide_1' has a pole at softplus_1 = 0, which softplus_1 reaches by underflow",
        ),
        (lambda h: h / sm.softplus(h), "'divide_1' has a pole at softplus_1 = 0"),
        (lambda h: 1 / -sm.softplus(h), "'divide_1' has a pole at negative_1 = 0"),
        (lambda h: sm.pointwise(sm.sigmoid(h), sp.log), "'pointwise_1' f is infinite at sigmoid_1 = 0"),
        (lambda h: sm.pointwise(sm.softplus(h), sp.sqrt), "'pointwise_1' f′ is infinite at softplus_1 = 0"),
    ],
)
def test_zeros_by_underflow(energy: Callable[[Node], Node], what: str) -> None:
    (text,) = warned(energy)
    assert text.startswith(what)
    assert text.endswith("reaches by underflow: add a small number to keep it away from 0")


@pytest.mark.parametrize(
    "energy",
    [
        lambda h: 1 / (sm.softplus(h) + 1e-6),
        lambda h: h / (1 + sm.square(h)),
        lambda h: sm.softplus(h) * sm.sigmoid(h),
        lambda h: sm.pointwise(sm.softplus(h), lambda g: 1 / g, domain=(0.1, None)),
    ],
)
def test_no_zeros(energy: Callable[[Node], Node]) -> None:
    assert warned(energy) == []


def test_of_a_parameter_only_what_is_computed_is_judged() -> None:
    texts = warned(lambda h: sm.softplus(h * sm.exp(sm.parameter(3))))
    assert [text.split()[1] for text in texts] == ["f", "f′"]
