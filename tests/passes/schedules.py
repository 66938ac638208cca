"""Schedules as text, for tests that show one before and after a pass.

A line is an operation, written as `smgen show --schedule` prints it:

    delta (N, 1), W (1, 8)                      what is given
    forward                                     a sweep begins; one without a name needs no such line
    d (N, 8) = product A B of delta, W          Product: A B, A Bᵀ or Aᵀ B; `each sample`; further pairs after +
    s (8) = sum of W over axis 0                Reduce
    J () = sum of d                             Reduce to a total; what has shape () is float64
    v (N, 4) = view of d from 4                 View
    c (N, 9) = concat of d (8), delta (1)       Concat
    T (8, 1) = W transposed                     Transpose
    I (8, 8) = the identity                     Identity
    f (N, 8) = tanh(d)                          Pointwise
    and f_prime (N, 8) = 1 - f**2               … a further result of the same operation
    loop over (N, 8)                            Fused: the indented lines are its steps and totals
      local a (N, 8) = exp(d)
      e (N, 8) = a*f
      total K () = sum of e
    returns e, K                                without this line the last result

N and lam may be read everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

import numpy as np
import sympy as sp

from smgen.equations.text import op_lines
from smgen.functions import FUNCTIONS
from smgen.ir import (
    LAMBDA,
    SAMPLES,
    Buffer,
    Concat,
    Form,
    Function,
    Fused,
    Identity,
    Layout,
    Op,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Sweep,
    Transpose,
    View,
    names_in,
)
from smgen.passes import Pass, run
from tests.interpreter import interpret

FORMS = {form.value: form for form in Form}
BUFFER = re.compile(r"(\w+) \(([\w, ]*)\)")


def after(apply: Pass) -> Callable[[str], str]:
    """What a pass makes of a schedule, both as text; it is verified, and has the same results."""

    def shown(before: str) -> str:
        old = schedule(before)
        new = run(old, (apply,))
        _assert_same_results(old, new)
        return "\n".join(written(new, returns="returns " in before))

    return shown


def text(lines: str) -> str:
    """Lines without the margin that they have in a test."""
    return dedent(lines).strip()


def assert_left_alone(apply: Pass) -> Callable[[str], None]:
    """The pass gives back what it got."""

    def check(before: str) -> None:
        assert after(apply)(before) == after(lambda same: same)(before)
        assert run(schedule(before), (apply,)) == schedule(before)

    return check


def written(schedule: Schedule, *, returns: bool) -> Iterator[str]:
    """The lines of a schedule."""
    for sweep in schedule.sweeps:
        if sweep.name:
            yield sweep.name
        for op in sweep.ops:
            yield from op_lines(op, {})
    if returns:
        yield "returns " + ", ".join(out.name for out in schedule.outputs)


def schedule(lines: str) -> Schedule:
    """The schedule that lines describe."""
    reader = _Reader()
    for line in text(lines).splitlines():
        reader.read(line)
    inputs = (LAMBDA, SAMPLES, *reader.inputs)
    sweeps = tuple(Sweep(name, tuple(ops)) for name, ops in reader.sweeps if ops)
    outputs = tuple(reader.buffers[name] for name in reader.returned or [sweeps[-1].ops[-1].outs[-1].name])
    function = Function(base="shown", summary="", results=())
    return Schedule(function=function, inputs=inputs, sweeps=sweeps, outputs=outputs, fingerprint="")


@dataclass
class _Reader:
    """What the lines so far have said."""

    buffers: dict[str, Buffer] = field(default_factory=lambda: {b.name: b for b in (LAMBDA, SAMPLES)})
    inputs: list[Buffer] = field(default_factory=list)
    sweeps: list[tuple[str, list[Op]]] = field(default_factory=lambda: [("", [])])
    returned: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        ops = self.sweeps[-1][1]
        if line.startswith("returns "):
            self.returned = line.removeprefix("returns ").split(", ")
        elif line.startswith("loop over "):
            ops.append(Fused(layout=_layout(line[11:-1]), steps=(), stored=(), totals=(), reads=()))
        elif line.startswith("  "):
            loop = ops.pop()
            assert isinstance(loop, Fused)
            ops.append(self.grown(loop, line.strip()))
        elif line.startswith("and "):
            first, further = ops.pop(), self.operation(line.removeprefix("and "))
            assert isinstance(first, Pointwise)
            assert isinstance(further, Pointwise)
            reads = tuple(b for b in (*first.reads, *further.reads) if b not in first.outs)
            ops.append(Pointwise(first.outs + further.outs, first.exprs + further.exprs, tuple(dict.fromkeys(reads))))
        elif " = " in line:
            ops.append(self.operation(line))
        elif BUFFER.match(line):
            self.inputs += [self.buffer(match[0]) for match in BUFFER.finditer(line)]
        else:
            self.sweeps.append((line, []))

    def buffer(self, text: str) -> Buffer:
        """A new buffer, `delta (N, 8)`."""
        match = BUFFER.fullmatch(text)
        assert match, text
        layout = _layout(match[2])
        new = Buffer(match[1], layout, kind="real" if layout.shape else "accumulator")
        self.buffers[new.name] = new
        return new

    def operation(self, line: str) -> Op:
        """The operation of a line `out (shape) = value`."""
        name, value = line.split(" = ", 1)
        of = value.split(" of ", 1)[-1]
        if value.startswith("product "):
            form, each_sample = value.removeprefix("product ").split(" of ")[0], " each sample of " in value
            (left, right), *plus = (
                (self.buffers[a], self.buffers[b]) for a, b in (pair.split(", ") for pair in of.split(" + "))
            )
            return Product(
                out=self.buffer(name),
                left=left,
                right=right,
                form=FORMS[form.removesuffix(" each sample")],
                each_sample=each_sample,
                plus=tuple(plus),
            )
        if value.startswith("sum of "):
            src, _, axis = of.partition(" over axis ")
            return Reduce(out=self.buffer(name), src=self.buffers[src], axis=int(axis) if axis else None)
        if value.startswith("view of "):
            src, _, start = of.partition(" from ")
            return View(self.buffer(name), self.buffers[src], int(start or 0))
        if value.startswith("concat of "):
            parts = tuple((self.expression(a), int(width)) for a, width in re.findall(r"([^,]+) \((\d+)\)", of))
            return Concat(self.buffer(name), parts, self.reads(part for part, _ in parts))
        if value.endswith(" transposed"):
            return Transpose(self.buffer(name), self.buffers[value.removesuffix(" transposed")])
        if value == "the identity":
            return Identity(self.buffer(name))
        expr = self.expression(value)
        reads = self.reads([expr])
        return Pointwise((self.buffer(name),), (expr,), reads)

    def grown(self, loop: Fused, line: str) -> Fused:
        """A loop with a further step or total."""
        op = self.operation(line.removeprefix("local ").removeprefix("total "))
        inside = {out for out, _ in loop.steps}
        steps, stored, totals = loop.steps, loop.stored, loop.totals
        reads = tuple(dict.fromkeys((*loop.reads, *(b for b in op.reads if b not in inside))))
        if isinstance(op, Reduce):
            totals = (*totals, op)
        else:
            assert isinstance(op, Pointwise)
            steps = (*steps, (op.outs[0], op.exprs[0]))
            stored = stored if line.startswith("local ") else (*stored, *op.outs)
        return Fused(layout=loop.layout, steps=steps, stored=stored, totals=totals, reads=reads)

    def expression(self, text: str) -> sp.Expr:
        return sp.sympify(text, locals=FUNCTIONS | {name: b.symbol for name, b in self.buffers.items()})

    def reads(self, exprs: Iterable[sp.Expr]) -> tuple[Buffer, ...]:
        return tuple(self.buffers[name] for name in sorted({name for expr in exprs for name in names_in(expr)}))


def _layout(shape: str) -> Layout:
    """(N, 8) is a row a sample, (N, 3, 8) three tangents a sample, (8, 4) a matrix."""
    dims = [dim for dim in shape.replace(" ", "").split(",") if dim]
    if dims[:1] != ["N"]:
        return Layout(units=tuple(map(int, dims)))
    tangents, units = (int(dims[1]), dims[2:]) if len(dims) == 3 else (None, dims[1:])
    return Layout(batch=True, tangents=tangents, units=tuple(map(int, units)))


def _assert_same_results(old: Schedule, new: Schedule) -> None:
    """Both give the same numbers for the same arrays."""
    rng, samples = np.random.default_rng(0), 3
    inputs: dict[str, Any] = {
        b.name: rng.uniform(0.2, 1.5, [samples if dim == "N" else dim for dim in b.shape]) for b in old.inputs
    }
    inputs |= {"N": np.float64(samples)}
    expected = interpret(old, inputs)
    for name, value in interpret(new, inputs).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-12, err_msg=name)
