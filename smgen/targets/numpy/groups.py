"""Groups of operations that stand under one equation: the last has it, the others were made for it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from smgen.ir import Buffer, Op


def groups(ops: Iterable[Op], with_equation: Container[str]) -> Iterator[tuple[Op, ...]]:
    """All operations in order. What an equation does not need stands alone, before the group of the equation."""
    group: list[Op] = []
    for op in ops:
        group.append(op)
        result = op.outs[-1]
        if not is_intermediate(result) and result.name in with_equation:
            first = _first_needed(group)
            if first:
                yield tuple(group[:first])
            yield tuple(group[first:])
            group = []
    if group:
        yield tuple(group)


def is_intermediate(buffer: Buffer) -> bool:
    """Whether a buffer is a step of one expression, made by `passes.elementary`."""
    return "." in buffer.name


def _first_needed(ops: Sequence[Op]) -> int:
    """The position of the first operation that the last one needs."""
    first, needed = len(ops) - 1, set(ops[-1].reads)
    for position in reversed(range(first)):
        if needed & set(ops[position].outs):
            needed |= set(ops[position].reads)
            first = position
    return first
