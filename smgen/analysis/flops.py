"""The cost model of the passes: the FLOPs of products, and the cost of moving arrays."""

from __future__ import annotations

from math import prod
from typing import Final

from smgen.ir import Buffer, EachProduct, Op, PatchProduct, Product, Schedule, View, WindowProduct

PRODUCTS: Final = (Product, EachProduct, WindowProduct, PatchProduct)
"""The operations whose FLOPs count."""

FLOPS_PER_MOVE: Final = 16
"""The cost of reading or writing a number, in FLOPs of a product: a core has about 100 GFLOP/s and 25 GB/s."""


def estimated_flops(schedule: Schedule, batch_size: int) -> int:
    """An estimate of a call's work on a batch of `batch_size` samples, in FLOPs of a product."""
    return sum(_flops_of(op, batch_size) for op in schedule.ops if not isinstance(op, View))


def sample_flops(schedule: Schedule) -> int:
    """The FLOPs of products that each sample adds to a call."""
    return sum(op.flops for op in schedule.ops if isinstance(op, PRODUCTS) and is_batched(op))


def is_batched(op: Op) -> bool:
    """Whether an operation's work grows with the batch."""
    return any(b.batched for b in (*op.reads, *op.outs))


def _flops_of(op: Op, batch_size: int) -> int:
    flops = op.flops if isinstance(op, PRODUCTS) else 0
    moved = sum(_size(b, batch_size) for b in (*op.reads, *op.outs))
    return flops * (batch_size if is_batched(op) else 1) + FLOPS_PER_MOVE * moved


def _size(b: Buffer, batch_size: int) -> int:
    return prod(dim if isinstance(dim, int) else batch_size for dim in b.shape)
