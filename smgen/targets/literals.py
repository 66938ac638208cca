"""Numbers in printed code."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from smgen.constants import OutOfRange, in_range
from smgen.errors import BuildError
from smgen.ir import Elementary, Schedule


def number(value: sp.Expr, dtype: str) -> float:
    """The float64 nearest to a constant. Raises `BuildError` for one that the dtype cannot hold.

    Constants of a single function are checked before: such a number is a product of several functions' slopes.
    """
    try:
        return in_range(value, dtype)
    except OutOfRange as error:
        raise BuildError(
            what=f"the derivatives of the energy have {error}", hint=f"rescale the function{error.wider}"
        ) from None


def check_operands(schedules: Iterable[Schedule], dtype: str) -> None:
    """Raise `BuildError` for a machine operation on a number that the dtype cannot hold."""
    for schedule in schedules:
        for op in schedule.ops:
            if isinstance(op, Elementary):
                for operand in op.operands:
                    if operand.is_number:
                        number(operand, dtype)
