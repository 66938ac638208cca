"""Operations as NumPy statements that write into the arrays of a workspace."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from itertools import count, product
from string import ascii_lowercase

import sympy as sp

from smgen.analysis.storage import Storage, allocate, view_roots
from smgen.equations.headings import headings
from smgen.errors import InternalError, unreachable
from smgen.functions import machines
from smgen.ir import (
    Buffer,
    Concat,
    Elementary,
    Fused,
    Identity,
    Layout,
    Op,
    Phase,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    View,
)
from smgen.targets.numpy.scalars import python_scalar
from smgen.targets.source import PrintedSweep, Statement, TiledFunction, product_source, shape_source, view_source


def scipy_functions() -> frozenset[str]:
    """Elementary operations that NumPy lacks and scipy.special has."""
    return frozenset(m.name for m in machines().values() if m.scipy)


def sums_columns(op: Op) -> bool:
    """Whether the operation is a sum over samples of one row each, which takes care of its digits."""
    return isinstance(op, Reduce) and op.axis == 0 and op.src.is_vector


def print_function(schedule: Schedule, equations: Mapping[str, str]) -> TiledFunction:
    """`schedule`, tiled and taken apart by `passes.elementary`, as NumPy source under its equations."""
    storage = allocate(schedule)
    printer = _Printer(schedule, storage, equations)
    phases: dict[Phase, list[PrintedSweep]] = {"once": [], "tile": [], "end": []}
    for sweep, heading in zip(schedule.sweeps, headings(schedule), strict=True):
        statements = tuple(s for s in printer.statements(sweep.ops) if s.code)
        if statements:
            phases[sweep.phase].append(PrintedSweep(heading, statements))
    read = {b.name for op in schedule.ops for b in op.reads}
    arrays = {name: Buffer(name, Layout.of(shape)) for name, shape in storage.slots.items()}
    return TiledFunction(
        function=schedule.function,
        reads=tuple(b.name for b in schedule.inputs if b.name in read),
        arrays=tuple(b for name, b in arrays.items() if name not in storage.tile),
        once=tuple(phases["once"]),
        tile_arrays=tuple(b for name, b in arrays.items() if name in storage.tile),
        tile=tuple(phases["tile"]),
        sums=_sums(schedule),
        results=tuple(Buffer(_whole(b), b.layout) for b in schedule.outputs if b.batched),
        end=tuple(phases["end"]),
        outputs=tuple(_whole(b) if b.batched else b.name for b in schedule.outputs),
    )


def _whole(b: Buffer) -> str:
    """What the array over the batch is called whose rows a tile knows as `b`."""
    return f"all_{b.name}"


def _sums(schedule: Schedule) -> tuple[str, ...]:
    """What tiles sum over their samples and the end reads."""
    later = {b.name for sweep in schedule.sweeps if sweep.phase == "end" for op in sweep.ops for b in op.reads}
    found = (out for sweep in schedule.sweeps if sweep.phase == "tile" for op in sweep.ops for out in op.outs)
    return tuple(b.name for b in found if not b.batched and b.name in later)


class _Printer:
    """Prints one schedule; knows which array each buffer has and what to call intermediates."""

    def __init__(self, schedule: Schedule, storage: Storage, equations: Mapping[str, str]) -> None:
        self.storage = storage
        self.equations = equations
        self.labels: dict[str, str] = {}
        self.calls = {name: machine.call for name, machine in machines().items()}
        self.last_read = {b.name: position for position, op in enumerate(schedule.ops) for b in op.reads}
        self.position = -1
        roots = view_roots(schedule)
        self.results = {roots.get(b.name, b.name): f"{_whole(b)}[rows]" for b in schedule.outputs if b.batched}
        self.renamed = {b.name for b in schedule.outputs if b.batched and b.name in roots}

    def statements(self, ops: tuple[Op, ...]) -> Iterator[Statement]:
        lines: list[str] = []
        for op in ops:
            self.position += 1
            lines += self.code(op)
            result = op.outs[-1]
            if not _intermediate(result):
                yield Statement(self.equations.get(result.name, ""), tuple(lines))
                lines = []

    def code(self, op: Op) -> list[str]:
        match op:
            case Elementary(out, "copy", (value,), _):
                return self.written(out, op, self.operand(value))
            case Elementary(out, "choose", (a, b, x, y), _):
                a, b, x, y = map(self.operand, (a, b, x, y))
                return self.written(out, op, f"np.where({a} < {b}, {x}, {y})")
            case Elementary(out, function, operands, _):
                head = self.calls.get(function, f"np.{function}({{}}")
                call = head.format(", ".join(map(self.operand, operands)))
                return [f"{self.define(out, op)} = {call}, out={self.target(out)})"]
            case Pointwise(outs, exprs, _):
                return [f"{out.name} = {python_scalar(expr)}" for out, expr in zip(outs, exprs, strict=True)]
            case Product(out=out):
                matrices, form = product_source(op)
                if not form:
                    return [f"{out.name} = np.matmul({matrices}, out={self.target(out)})"]
                return [f"{out.name} = {self.target(out)}", f"np.matmul({matrices}, out={out.name}{form})"]
            case Reduce(out=out, src=src, axis=None):
                return [f"{out.name} = float(np.sum({src.name}, dtype=np.float64))"]
            case Reduce(out=out, src=src) if sums_columns(op):
                return [f"{out.name} = _column_sum({src.name}, out={self.target(out)})"]
            case Reduce(out=out, src=src, axis=axis):
                return [f"{out.name} = np.sum({src.name}, axis={axis}, out={self.target(out)})"]
            case View() if op.out.name in self.renamed:
                return []
            case View():
                return [f"{op.out.name} = {view_source(op)}"]
            case Concat(out, parts, _):
                return [f"{out.name} = {self.target(out)}", *self.fill(out, parts)]
            case Identity(out):
                return [f"{out.name} = np.eye({out.shape[0]}, dtype=DTYPE)"]
            case Transpose(out, src):
                return [f"{out.name} = {self.target(out)}", f"{out.name}[...] = {src.name}.T"]
            case Fused():
                raise InternalError("NumPy has no loops: do not fuse for it")
        raise unreachable(op)

    def fill(self, out: Buffer, parts: tuple[tuple[sp.Expr, int], ...]) -> Iterator[str]:
        start = 0
        for part, width in parts:
            yield f"{out.name}[..., {start}:{start + width}] = {self.operand(part)}"
            start += width

    def operand(self, operand: sp.Expr) -> str:
        if operand.is_Symbol:
            name: str = operand.name
            return self.labels.get(name, name)
        return python_scalar(operand)

    def target(self, out: Buffer) -> str:
        """The array of the workspace, or a fresh one for what is returned."""
        slot = self.storage.slot_of.get(out.name) or self.results.get(out.name)
        return slot or f"np.empty({shape_source(out.shape)}, DTYPE)"

    def written(self, out: Buffer, op: Elementary, value: str) -> list[str]:
        """Write a value into the result's array, for what has no `out=`.

        An intermediate's name may be that of an operand, which is read first.
        """
        target, name = self.target(out), self.define(out, op)
        if _intermediate(out):
            return [f"{target}[...] = {value}", f"{name} = {target}"]
        return [f"{name} = {target}", f"{name}[...] = {value}"]

    def define(self, out: Buffer, op: Elementary) -> str:
        """The variable of an output: its own name, or for an intermediate the first letter that is free."""
        for read in op.reads:
            if self.last_read[read.name] == self.position:
                self.labels.pop(read.name, None)
        if not _intermediate(out):
            return out.name
        self.labels[out.name] = next(letter for letter in _letters() if letter not in self.labels.values())
        return self.labels[out.name]


def _letters() -> Iterator[str]:
    """a, b, …, z, aa, ab, …: no buffer is called so."""
    for length in count(1):
        for letters in map("".join, product(ascii_lowercase, repeat=length)):
            if letters not in ("np", "x") and not keyword.iskeyword(letters):
                yield letters


def _intermediate(buffer: Buffer) -> bool:
    return "." in buffer.name
