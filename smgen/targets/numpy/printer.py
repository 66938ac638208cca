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
    SAMPLES,
    Buffer,
    Concat,
    EachProduct,
    Elementary,
    Fold,
    Fused,
    Greatest,
    Identity,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Phase,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)
from smgen.targets.numpy.groups import groups, is_intermediate
from smgen.targets.numpy.moves import MoveConstants
from smgen.targets.numpy.scalars import python_scalar
from smgen.targets.source import (
    NamedArray,
    PrintedSweep,
    Statement,
    TiledFunction,
    each_product_source,
    product_source,
    shape_source,
    view_source,
)


def scipy_functions() -> frozenset[str]:
    """Elementary operations that NumPy lacks and scipy.special has."""
    return frozenset(m.name for m in machines().values() if m.scipy)


def sums_columns(op: Op) -> bool:
    """Whether the operation is a sum over samples of one row each, which takes care of its digits."""
    return isinstance(op, Reduce) and (op.axis == "rows" or (op.axis == 0 and op.src.is_vector))


def print_function(schedule: Schedule, equations: Mapping[str, str], moves: MoveConstants) -> TiledFunction:
    """`schedule`, tiled and taken apart by `passes.elementary`, as NumPy source under its equations."""
    storage = allocate(schedule)
    printer = _Printer(schedule, storage, equations, moves)
    phases: dict[Phase, list[PrintedSweep]] = {"once": [], "tile": [], "end": []}
    for sweep, heading in zip(schedule.sweeps, headings(schedule), strict=True):
        statements = tuple(s for s in printer.statements(sweep.ops) if s.code)
        if statements:
            phases[sweep.phase].append(PrintedSweep(heading, statements))
    reads = schedule.inputs_read
    results = tuple(b for b in schedule.outputs if b.batched)
    return TiledFunction(
        function=schedule.function,
        reads=reads,
        counts=bool(results) or SAMPLES in reads,
        arrays=tuple(printer.arrays(tile=False)),
        once=tuple(phases["once"]),
        tile_arrays=tuple(printer.arrays(tile=True)),
        tile=tuple(phases["tile"]),
        sums=_sums(schedule),
        results=results,
        end=tuple(phases["end"]),
        outputs=tuple(b.name for b in schedule.outputs),
    )


def _sums(schedule: Schedule) -> tuple[str, ...]:
    """What tiles sum over their samples and the end reads."""
    later = {b.name for sweep in schedule.sweeps if sweep.phase == "end" for op in sweep.ops for b in op.reads}
    results = (out for sweep in schedule.sweeps if sweep.phase == "tile" for op in sweep.ops for out in op.outs)
    return tuple(b.name for b in results if not b.batched and b.name in later)


class _Printer:
    """Prints one schedule; knows which array each buffer has and what to call intermediates."""

    def __init__(
        self, schedule: Schedule, storage: Storage, equations: Mapping[str, str], moves: MoveConstants
    ) -> None:
        self.storage = storage
        self.moves = moves
        self.equations = equations
        self.labels: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.holders = dict(storage.slot_of)
        self.last_read = {b.name: position for position, op in enumerate(schedule.ops) for b in op.reads}
        self.position = -1
        self.names: dict[str, dict[str, None]] = {slot: {} for slot in storage.slots}
        self.calls = {name: machine.call for name, machine in machines().items()}
        roots = view_roots(schedule)
        self.results = {roots.get(b.name, b.name): f"w.{b.name}" for b in schedule.outputs if b.batched}
        self.renamed = {b.name for b in schedule.outputs if b.batched and b.name in roots}

    def arrays(self, *, tile: bool) -> Iterator[NamedArray]:
        """The arrays of tiles or of the call, with what has been written to them."""
        for slot, shape in self.storage.slots.items():
            if (slot in self.storage.tile) == tile:
                yield NamedArray(shape, tuple(self.names[slot]))

    def statements(self, ops: tuple[Op, ...]) -> Iterator[Statement]:
        for group in groups(ops, self.equations):
            equation = self.equations.get(group[-1].outs[-1].name, "")
            yield Statement(equation, tuple(line for op in group for line in self.next(op)))

    def next(self, op: Op) -> list[str]:
        """The code of the operation after those before."""
        self.position += 1
        return self.code(op)

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
                return [f"{self.define(out, op)} = {call}, out={self.target(out, op)})"]
            case Pointwise(outs, exprs, _):
                return [f"{out.name} = {python_scalar(expr)}" for out, expr in zip(outs, exprs, strict=True)]
            case Product(out=out):
                matrices, form = product_source(op)
                if not form:
                    return [f"{out.name} = np.matmul({matrices}, out={self.target(out, op)})"]
                return [f"{out.name} = {self.target(out, op)}", f"np.matmul({matrices}, out={out.name}{form})"]
            case EachProduct(out=out):
                matrices, form = each_product_source(op)
                return [f"{out.name} = {self.target(out, op)}", f"np.matmul({matrices}, out={out.name}{form})"]
            case Reduce(out=out, src=src, axis=None):
                return [f"{out.name} = float(np.sum({src.name}, dtype=np.float64))"]
            case Reduce(out=out, src=src) if sums_columns(op):
                rows = f"{src.name}.reshape(-1, {src.shape[-1]})" if len(src.shape) > 2 else src.name
                return [f"{out.name} = _column_sum({rows}, out={self.target(out, op)})"]
            case Reduce(out=out, src=src, axis=axis):
                return [f"{out.name} = np.sum({src.name}, axis={axis}, out={self.target(out, op)})"]
            case View() if op.out.name in self.renamed:
                return []
            case View():
                return [f"{op.out.name} = {view_source(op)}"]
            case Concat(out, parts, _):
                return [f"{out.name} = {self.target(out, op)}", *self.fill(out, parts)]
            case Identity(out):
                return [f"{out.name} = np.eye({out.shape[0]}, dtype=DTYPE)"]
            case Transpose(out, src):
                return [f"{out.name} = {self.target(out, op)}", f"{out.name}[...] = {src.name}.T"]
            case Permute(out):
                return list(self.moves.permute(op, self.target(out, op)))
            case Mix(out):
                return list(self.moves.mix(op, self.target(out, op)))
            case Greatest(out):
                return list(self.moves.greatest(op, self.target(out, op)))
            case Unfold(out):
                return [self.moves.unfold(op, self.target(out, op))]
            case Fold(out):
                return [self.moves.fold(op, self.target(out, op))]
            case Fused() | WindowProduct() | PatchProduct():
                raise InternalError(f"{op.outs[-1].name}: NumPy has no loops, and windows as arrays")
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

    def target(self, out: Buffer, op: Op) -> str:
        """The array of the workspace under the result's name, or a fresh one for what is returned.

        An intermediate result goes where an operand was that it overwrites, or where the statement's result will be.
        """
        slot = self.storage.slot_of.get(out.name)
        if slot is None:
            return self.results.get(out.name) or f"np.empty({shape_source(out.shape)}, DTYPE)"
        name = out.name
        if is_intermediate(out):
            operands = [b for b in op.reads if is_intermediate(b) and self.storage.slot_of.get(b.name) == slot]
            if operands:
                return self.variables[operands[0].name]
            result = out.name.partition(".")[0]
            name = (
                result if self.storage.slot_of.get(result) == slot else self.place(self.labels[out.name], result, slot)
            )
        self.names[slot][name] = None
        return f"w.{name}"

    def place(self, letter: str, result: str, slot: str) -> str:
        """What an array is called where it holds an intermediate result of `result`: a name that no other array has."""
        names = (f"{letter}{number or ''}_{result}" for number in count())
        return next(name for name in names if self.holders.setdefault(name, slot) == slot)

    def written(self, out: Buffer, op: Elementary, value: str) -> list[str]:
        """Write a value into the result's array, for what has no `out=`.

        An intermediate's name may be that of an operand, which is read first.
        """
        name, target = self.define(out, op), self.target(out, op)
        if is_intermediate(out):
            return [f"{target}[...] = {value}", *([] if name == target else [f"{name} = {target}"])]
        return [f"{name} = {target}", f"{name}[...] = {value}"]

    def define(self, out: Buffer, op: Elementary) -> str:
        """The variable of an output: its own name, or for an intermediate the first letter that is free."""
        self.variables = dict(self.labels)
        for read in op.reads:
            if self.last_read[read.name] == self.position:
                self.labels.pop(read.name, None)
        if not is_intermediate(out):
            return out.name
        self.labels[out.name] = next(letter for letter in _letters() if letter not in self.labels.values())
        return self.labels[out.name]


def _letters() -> Iterator[str]:
    """a, b, …, z, aa, ab, …: no buffer is called so."""
    for length in count(1):
        for letters in map("".join, product(ascii_lowercase, repeat=length)):
            if letters not in ("np", "v", "w", "x") and not keyword.iskeyword(letters):
                yield letters
