"""The operations before which threads that share a tile must wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from smgen.analysis.storage import allocate, view_roots
from smgen.ir import Form, Fused, Op, Product, Reduce, Schedule, View, WholeRows


def barriers(schedule: Schedule) -> frozenset[int]:
    """The positions of operations before which all threads of a team must have arrived.

    A thread computes its own columns of every array of a tile, and needs no barrier while it reads only these. A
    product reads all columns of its operand, so all threads must have written theirs, and no thread may overwrite them
    before all have read them. Outside tiles, threads divide arrays by rows or by columns, so every dependence counts.
    """
    storage, roots = allocate(schedule), view_roots(schedule)
    shapes = {b.name: b.shape for b in (*schedule.inputs, *(out for op in schedule.ops for out in op.outs))}
    slices = {name for name, root in roots.items() if shapes[name] != shapes[root]}
    # Threads divide the matrices that each sample has by rows.
    slices |= {op.outs[0].name for op in schedule.ops if _writes_rows(op)}

    def place(name: str) -> str:
        root = roots.get(name, name)
        return storage.slot_of.get(root, root)

    waits: set[int] = set()
    position = 0
    phase = ""
    for sweep in schedule.sweeps:
        if sweep.phase != phase:  # all threads wait between phases
            phase, written, read, touched = sweep.phase, set[str](), set[str](), set[str]()
        for op in sweep.ops:
            foreign = {place(name) for name in _foreign_reads(op, slices, tile=sweep.phase == "tile")}
            writes = {place(out.name) for out in op.outs} if not isinstance(op, View) else set()
            others = touched if _writes_rows(op) else written if sweep.phase != "tile" else set()
            if foreign & written or writes & (read | others):
                waits.add(position)
                written, read, touched = set(), set(), set()
            written |= writes
            read |= foreign
            touched |= writes | {place(b.name) for b in op.reads}
            position += 1
    return frozenset(waits)


def _writes_rows(op: Op) -> bool:
    """Whether threads divide the result by rows, so that a thread writes columns that are not its own."""
    if isinstance(op, Product):
        return op.each_sample and op.form is Form.TRANSPOSED_TIMES
    return isinstance(op, WholeRows)


def _foreign_reads(op: Op, slices: set[str], *, tile: bool) -> Iterator[str]:
    """The arrays an operation reads that another thread may have written; a thread's own columns are none of these."""
    if isinstance(op, View):
        return
    for b in op.reads:
        own = isinstance(op, Fused) and b.shape == op.shape
        own |= isinstance(op, Reduce) and op.axis in (0, "rows") and (not b.is_stack or b.shape[-1] != 1)
        if not tile or not own or b.name in slices:
            yield b.name
