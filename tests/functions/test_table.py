"""Every row of the table of scalar functions states what the base leaves open."""

from __future__ import annotations

import pytest

from smgen.functions import FUNCTIONS, kept
from smgen.functions.base import ScalarFunction


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_states_its_definition_and_a_form(name: str) -> None:
    """All but `kept`, which marks a value and computes nothing."""
    function = FUNCTIONS[name]
    assert function.__name__ == name
    assert function.reference is not ScalarFunction.reference
    assert function is kept or function.machine is not None or function.stable is not ScalarFunction.stable
