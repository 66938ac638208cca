"""What a schedule costs: floating-point operations and bytes moved, per sample and per call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from smgen.analysis.flops import is_batched, sample_flops
from smgen.analysis.storage import allocate
from smgen.errors import unreachable
from smgen.ir import (
    BATCH,
    ITEMSIZE,
    STEPS,
    Buffer,
    Concat,
    Elementary,
    Form,
    Fused,
    Identity,
    Op,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    View,
)
from smgen.passes import pipelines, run
from smgen.passes.prune import prune


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """FLOPs and bytes; what a call costs whatever N is, and what each sample adds.

    A product counts two FLOPs a multiply-add, an elementary function one. Bytes are those of the operands and results
    of every operation, as if none stayed in cache; `memory` is the workspace, in bytes.
    """

    product_flops_per_sample: int = 0
    other_flops_per_sample: int = 0
    flops_per_call: int = 0
    bytes_per_sample: int = 0
    bytes_per_call: int = 0
    memory_per_sample: int = 0
    memory_per_call: int = 0
    products: int = 0
    operations: int = 0


def cost(schedule: Schedule, dtype: str, batch_size: int) -> Cost:
    """Count the operations of a schedule as the NumPy backend runs it when built for batches of this size."""
    lowered = pipelines.lowered(schedule, "numpy", batch_size)
    item = ITEMSIZE[dtype]
    ops = [op for op in lowered.ops if not isinstance(op, View)]
    flops = [(op, _flops(op)) for op in ops]
    slots = allocate(lowered).slots.values()
    moved = [b for op in ops for b in (*op.reads, *op.outs) if b.shape]
    return Cost(
        product_flops_per_sample=sample_flops(lowered),
        other_flops_per_sample=sum(n for op, n in flops if not isinstance(op, Product) and is_batched(op)),
        flops_per_call=sum(n for op, n in flops if not is_batched(op)),
        bytes_per_sample=item * sum(_size(b) for b in moved if b.batched),
        bytes_per_call=item * sum(_size(b) for b in moved if not b.batched),
        memory_per_sample=item * sum(_elements(shape) for shape in slots if BATCH in shape),
        memory_per_call=item * sum(_elements(shape) for shape in slots if BATCH not in shape),
        products=sum(isinstance(op, Product) for op in ops),
        operations=len(ops),
    )


def savings(schedules: Iterable[tuple[Schedule, Schedule]], batch_size: int) -> str:
    """What the passes made of the products of a gradient step, in words: pairs of schedules before and after."""
    found = []
    for before, after in schedules:
        if before.function in STEPS.values():
            written, left = (product_flops(run(s, (prune,)), batch_size) for s in (before, after))
            lam = "λ = 0" if before.function.lam == "zero" else "λ > 0"
            outs = {op.out.name for op in after.ops if isinstance(op, Product)}
            gone = [
                op.out.letter.text
                for op in before.ops
                if isinstance(op, Product)
                and op.out.letter is not None
                and op.form is Form.TIMES
                and op.is_through
                and op.out.name not in outs
                and op.right.shape[0] != 1
            ]
            unformed = f", {' and '.join(gone)} never formed" if gone else ""
            found.append(f"{lam}: {left:,.0f} for {written:,.0f} as the equations stand{unformed}")
    return f"Product FLOPs of a step, a sample, in batches of {batch_size}: {'; '.join(found)} ([+] 2, 3)."


def product_flops(schedule: Schedule, batch_size: int) -> float:
    """FLOPs of products a sample, what is done once a call shared among the samples of the batch."""
    products = [op for op in schedule.ops if isinstance(op, Product)]
    return sum(op.flops if is_batched(op) else op.flops / batch_size for op in products)


def _elements(shape: tuple[object, ...]) -> int:
    return prod(dim for dim in shape if isinstance(dim, int))


def _size(buffer: Buffer) -> int:
    return _elements(buffer.shape)


def _flops(op: Op) -> int:
    match op:
        case Product():
            return op.flops
        case Elementary(out, function):
            return 0 if function == "copy" else _size(out)
        case Reduce(src=src):
            return _size(src)
        case Pointwise() | View() | Concat() | Identity() | Transpose() | Fused():
            return 0
    raise unreachable(op)
