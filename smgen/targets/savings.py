"""The savings of a target's algebraic passes, in words."""

from __future__ import annotations

from collections.abc import Iterable

from smgen.analysis.cost import product_flops
from smgen.ir import STEPS, Form, Product, Schedule
from smgen.passes import run
from smgen.passes.prune import prune


def savings(schedules: Iterable[tuple[Schedule, Schedule]], batch_size: int) -> str:
    """The FLOPs of products of a gradient step before and after the passes, in words. `schedules` are pairs of both.

    Empty if no step is among them.
    """
    texts = []
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
                and op.is_row_product
                and op.out.name not in outs
                and op.right.shape[0] != 1
            ]
            unformed = f", {' and '.join(gone)} never formed" if gone else ""
            texts.append(f"{lam}: {left:,.0f} for {written:,.0f} as the equations stand{unformed}")
    if not texts:
        return ""
    return f"Product FLOPs of a step, a sample, in batches of {batch_size}: {'; '.join(texts)} ([+] 2, 3)."
