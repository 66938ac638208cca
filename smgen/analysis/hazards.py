"""The operations before which threads that share a tile must wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from smgen.analysis.storage import allocate, view_roots
from smgen.ir import Form, Fused, Op, Product, Reduce, Schedule, View


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
    slices |= {op.out.name for op in schedule.ops if isinstance(op, Product) and _makes_matrices(op)}

    def place(name: str) -> str:
        root = roots.get(name, name)
        return storage.slot_of.get(root, root)

    waits: set[int] = set()
    position = 0
    phase = ""
    for sweep in schedule.sweeps:
        if sweep.phase != phase:  # all threads wait between phases
            phase, written, read = sweep.phase, set[str](), set[str]()
        for op in sweep.ops:
            foreign = {place(name) for name in _foreign_reads(op, slices, tile=sweep.phase == "tile")}
            writes = {place(out.name) for out in op.outs} if not isinstance(op, View) else set()
            if foreign & written or writes & read or (sweep.phase != "tile" and writes & written):
                waits.add(position)
                written, read = set(), set()
            written |= writes
            read |= foreign
            position += 1
    return frozenset(waits)


def _makes_matrices(op: Product) -> bool:
    return op.each_sample and op.form is Form.TRANSPOSED_TIMES


def _foreign_reads(op: Op, slices: set[str], *, tile: bool) -> Iterator[str]:
    """The arrays an operation reads that another thread may have written; a thread's own columns are none of these."""
    if isinstance(op, View):
        return
    for b in op.reads:
        own = (isinstance(op, Fused) and b.shape == op.shape) or (isinstance(op, Reduce) and op.axis == 0)
        if not tile or not own or b.name in slices:
            yield b.name
