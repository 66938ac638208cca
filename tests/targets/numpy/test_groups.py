"""Operations under one equation, in NumPy modules."""

from __future__ import annotations

from smgen.ir import Buffer, Layout, View
from smgen.targets.numpy.groups import groups


def view(out: str, src: str) -> View:
    return View(Buffer(out, Layout(units=(2,))), Buffer(src, Layout(units=(2,))))


def names(*ops: View, equations: set[str]) -> list[list[str]]:
    return [[op.outs[-1].name for op in group] for group in groups(ops, equations)]


def test_a_group_ends_with_the_equation() -> None:
    ops = view("a_of_read", "x"), view("a_of_taps", "a_of_read"), view("a", "a_of_taps"), view("b", "a")
    assert names(*ops, equations={"a", "b"}) == [["a_of_read", "a_of_taps", "a"], ["b"]]


def test_what_an_equation_does_not_need_stands_before_it() -> None:
    ops = view("other", "x"), view("a_of_read", "x"), view("a", "a_of_read"), view("last", "a")
    assert names(*ops, equations={"a"}) == [["other"], ["a_of_read", "a"], ["last"]]
