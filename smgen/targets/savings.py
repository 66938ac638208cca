"""What the algebra of a target saves, in words."""

from __future__ import annotations

from collections.abc import Iterable

from smgen.analysis.cost import product_flops
from smgen.ir import STEPS, Form, Product, Schedule
from smgen.passes import run
from smgen.passes.prune import prune


def savings(schedules: Iterable[tuple[Schedule, Schedule]], batch_size: int) -> str:
    """What the passes made of the products of a gradient step, in words: pairs of schedules before and after.

    Nothing if no step is among them.
    """
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
    if not found:
        return ""
    return f"Product FLOPs of a step, a sample, in batches of {batch_size}: {'; '.join(found)} ([+] 2, 3)."
