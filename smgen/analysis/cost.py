"""The cost of a schedule: floating-point operations and bytes moved, per sample and per call."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from smgen.analysis.flops import PRODUCTS, is_batched, sample_flops
from smgen.analysis.storage import allocate
from smgen.errors import unreachable
from smgen.ir import (
    BATCH,
    ITEMSIZE,
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
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """FLOPs and bytes: those of a call, whatever N is, and those that each sample adds.

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


def cost(lowered: Schedule, dtype: str) -> Cost:
    """Count the operations of a schedule after all passes of the NumPy target."""
    item = ITEMSIZE[dtype]
    ops = [op for op in lowered.ops if not isinstance(op, View)]
    flops = [(op, _flops(op)) for op in ops]
    slots = allocate(lowered).slots.values()
    moved = [b for op in ops for b in (*op.reads, *op.outs) if b.shape]
    return Cost(
        product_flops_per_sample=sample_flops(lowered),
        other_flops_per_sample=sum(n for op, n in flops if not isinstance(op, PRODUCTS) and is_batched(op)),
        flops_per_call=sum(n for op, n in flops if not is_batched(op)),
        bytes_per_sample=item * sum(_size(b) for b in moved if b.batched),
        bytes_per_call=item * sum(_size(b) for b in moved if not b.batched),
        memory_per_sample=item * sum(_elements(shape) for shape in slots if BATCH in shape),
        memory_per_call=item * sum(_elements(shape) for shape in slots if BATCH not in shape),
        products=sum(isinstance(op, PRODUCTS) for op in ops),
        operations=len(ops),
    )


def product_flops(schedule: Schedule, batch_size: int) -> float:
    """FLOPs of the products for each sample. Those of the call are divided among the samples of the batch."""
    products = [op for op in schedule.ops if isinstance(op, PRODUCTS)]
    return sum(op.flops if is_batched(op) else op.flops / batch_size for op in products)


def _elements(shape: tuple[object, ...]) -> int:
    return prod(dim for dim in shape if isinstance(dim, int))


def _size(buffer: Buffer) -> int:
    return _elements(buffer.shape)


def _flops(op: Op) -> int:
    match op:
        case Product() | EachProduct() | WindowProduct() | PatchProduct():
            return op.flops
        case Elementary(out, function):
            return 0 if function == "copy" else _size(out)
        case Reduce(src=src):
            return _size(src)
        case Mix(src=src, matrix=matrix):
            return matrix.entries * (_size(src) // matrix.columns)
        case Fold(src=src) | Greatest(src=src):
            return _size(src)
        case Pointwise() | View() | Concat() | Identity() | Transpose() | Permute() | Unfold() | Fused():
            return 0
    raise unreachable(op)
