"""The storage plan: buffers share arrays, and none is overwritten too early."""

from __future__ import annotations

import pytest

from smgen.analysis.storage import allocate, view_roots
from smgen.hessians import lower
from smgen.ir import Elementary
from smgen.passes import run
from smgen.targets import TARGETS
from tests.networks import CATALOGUE


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_array_is_overwritten_while_it_is_needed(name: str) -> None:
    """Replay the storage plan: an operation may write an array only if its last content is not read any more."""
    for schedule in lower(CATALOGUE[name]()):
        lowered = run(schedule, TARGETS["numpy"].pipeline.passes(1024))
        storage, roots = allocate(lowered), view_roots(lowered)
        holds: dict[str, str] = {}
        for op in lowered.ops:
            for read in op.reads:
                root = roots.get(read.name, read.name)
                if root in storage.slot_of:
                    assert holds[storage.slot_of[root]] == root, f"{schedule.name}: {read.name} was overwritten"
            for out in op.outs:
                if out.name in storage.slot_of:
                    slot = storage.slot_of[out.name]
                    assert storage.slots[slot] == out.shape
                    inplace = isinstance(op, Elementary)
                    mine = {storage.slot_of.get(roots.get(b.name, b.name)) for b in op.reads}
                    assert inplace or slot not in mine, f"{schedule.name}: a product writes over its operand"
                    holds[slot] = out.name
