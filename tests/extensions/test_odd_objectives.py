"""Objectives of every form that docs/compiler.md allows, all in one module."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import sympy as sp

import smgen as sm
from smgen.network import Network
from smgen.objectives import DELTA, DELTA_PRIME, LAM, OBJECTIVES, Objective
from tests.support import assert_close, module_of, random_case

TERMS = {
    "quartic": (("Q", DELTA**4 / 4),),
    "curvature": (("C", -DELTA_PRIME),),
    "weighed": (("K", LAM * DELTA**2), ("L", -DELTA_PRIME)),
    "always_squared": (("K", DELTA**2 / 2), ("L", -DELTA_PRIME + DELTA_PRIME**2)),
    "three": (("A", sp.cos(DELTA)), ("B", -DELTA_PRIME * sp.Rational(3, 7)), ("C", LAM * (DELTA_PRIME**2 + DELTA**2))),
    "decimal": (("K", 0.3 * DELTA**2), ("L", -0.7 * DELTA_PRIME)),
    "constant": (("K", DELTA**2 + 1), ("L", -DELTA_PRIME)),
}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, terms in TERMS.items():
        monkeypatch.setitem(OBJECTIVES, name, Objective(name=name, prefix=f"{name}_", terms=terms))
    module_of.cache_clear()
    yield
    module_of.cache_clear()


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("mode", "backend"), [("diagonal", "numpy"), ("exact", "numpy"), ("exact", "c")])
def test_they_are_what_they_say(mode: str, backend: str) -> None:
    network = Network(energy=sm.softplus(sm.linear(sm.tanh(sm.linear(sm.input(3), 4)), 3)))
    params, x = random_case(network)
    module = module_of(network, backend=backend, hessian=mode, objective=",".join(TERMS))
    delta, prime = -module.score(params, x), module.hessian_diagonal(params, x)
    for name, terms in TERMS.items():
        for lam in (0.0, 0.3):
            values = [
                np.mean(np.sum(sp.lambdify((DELTA, DELTA_PRIME, LAM), term)(delta, prime, lam) + 0 * delta, axis=1))
                for _, term in terms
            ]
            lams = (lam,) if any(term.has(LAM) for _, term in terms) else ()
            if len(terms) > 1:
                assert_close(getattr(module, f"{name}_loss_terms")(params, x, *lams), values, 1e-12, name)
            assert_close(getattr(module, f"{name}_loss")(params, x, *lams), sum(values), 1e-12, name)
    assert module.selftest()


@pytest.mark.usefixtures("registered")
def test_numbers_are_written_as_people_write_them() -> None:
    module = module_of(Network(energy=sm.softplus(sm.linear(sm.input(2), 2))), objective="decimal,quartic")
    assert module.decimal_loss_terms.__doc__ == "K = 0.3 Σ δ² and L = −0.7 Σ δ′, means over the batch."
    assert module.quartic_loss.__doc__.startswith("J, the mean over the batch of 1/4 Σ δ⁴.\n")


@pytest.mark.parametrize("letters", [(), ("K", "K"), ("K", "J")])
def test_letters_are_their_own(letters: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="objective odd: terms have letters of their own"):
        Objective(name="odd", prefix="odd_", terms=tuple((letter, DELTA**2) for letter in letters))
