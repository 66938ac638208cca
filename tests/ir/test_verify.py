"""`verify` catches schedules that mean nothing, and names the pass that made one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from smgen.errors import InternalError
from smgen.ir import Buffer, Form, Function, Layout, Pointwise, Product, Reduce, Schedule, Sweep
from smgen.ir.verify import verify
from smgen.passes import run

A, B = Buffer("a", Layout.of(("N", 2))), Buffer("b", Layout.of(("N", 2)))
ROW, OTHER = Buffer("row", Layout.of((2,))), Buffer("row2", Layout.of((2,)))


def schedule(*ops: Any, outputs: tuple[Buffer, ...] = (B,)) -> Schedule:
    broken = Function(base="broken", summary="", results=("b",))
    return Schedule(function=broken, inputs=(A, ROW), sweeps=(Sweep("sweep", ops),), outputs=outputs, fingerprint="")


GOOD = Pointwise((B,), (A.symbol + ROW.symbol,), (A, ROW))


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (schedule(GOOD, GOOD), "assigned twice"),
        (
            schedule(Pointwise((B,), (sp.Symbol("c", real=True),), (Buffer("c", Layout.of((2,))),))),
            "before it is assigned",
        ),
        (schedule(replace(GOOD, reads=(A,))), "does not declare"),
        (schedule(replace(GOOD, outs=(Buffer("b", Layout.of(("N", 3))),))), "do not broadcast"),
        (schedule(Pointwise((Buffer("b", Layout.of((2,))),), (A.symbol,), (A,))), "cannot hold"),
        (schedule(Product(out=B, left=A, right=ROW, form=Form.TIMES_TRANSPOSED)), "do not fit"),
        (schedule(Product(out=B, left=A, right=A, form=Form.TIMES)), "do not fit"),
        (schedule(Product(out=B, left=A, right=A, form=Form.TRANSPOSED_TIMES)), "does not hold a product"),
        (schedule(Product(out=B, left=A, right=A, form=Form.TIMES, each_sample=True)), "do not fit"),
        (schedule(Reduce(out=B, src=A, axis=0)), "has shape"),
        (schedule(Reduce(out=Buffer("b", Layout.of(())), src=A, axis=None)), "float64"),
        (schedule(outputs=(B,)), "does not compute"),
    ],
)
def test_verify_catches(broken: Schedule, complaint: str) -> None:
    with pytest.raises(InternalError, match=complaint):
        verify(broken)


def test_the_pass_that_breaks_a_schedule_is_named() -> None:
    def breaking(s: Schedule) -> Schedule:
        return schedule(GOOD, GOOD)

    with pytest.raises(InternalError, match=r"after pass tests\.ir\.test_verify"):
        run(schedule(GOOD), [breaking])
