"""Where threads that share a schedule wait for each other."""

from __future__ import annotations

import smgen as sm
from smgen.analysis.hazards import barriers
from smgen.hessians import lower
from smgen.ir import Product
from smgen.network import Network
from smgen.passes import run
from smgen.targets import TARGETS


def test_threads_wait_before_every_product_of_what_was_just_computed() -> None:
    h = sm.softplus(sm.linear(sm.input(8), 32, name="w"))
    network = Network(energy=sm.softplus(sm.linear(h, 1, name="v")))
    schedule = next(s for s in lower(network) if s.name == "loss_and_grad")
    lowered = run(schedule, TARGETS["c"].pipeline.passes(1024))
    waits = barriers(lowered)
    written: set[str] = set()
    phase = ""
    position = 0
    for sweep in lowered.sweeps:
        for op in sweep.ops:
            if position in waits or sweep.phase != phase:
                written, phase = set(), sweep.phase
            if isinstance(op, Product):
                assert not {b.name for b in op.reads} & written
            written |= {out.name for out in op.outs}
            position += 1
