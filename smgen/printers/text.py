"""A schedule as text: one line an operation, for people, goldens and error messages."""

from __future__ import annotations

from smgen.errors import unreachable
from smgen.ir import (
    Concat,
    Elementary,
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


def schedule_text(schedule: Schedule) -> str:
    """`delta_filters (N, 288) = …` for every operation, under its equation."""
    lines = [f"{schedule.name}"]
    for sweep in schedule.sweeps:
        lines += ["", f"  {sweep.name}"]
        lines += [f"    {line}" for op in sweep.ops for line in op_lines(op)]
    lines += ["", "  returns " + ", ".join(b.name for b in schedule.outputs)]
    return "\n".join(lines) + "\n"


def op_lines(op: Op) -> list[str]:
    """The operation's lines, equation last."""
    match op:
        case Pointwise(outs, exprs, _):
            return [_line(str(expr), out) for out, expr in zip(outs, exprs, strict=True)]
        case Fused(shape, steps, stored, totals, _):
            kept = set(stored)
            lines = [("" if out in kept else "local ") + _line(str(expr), out) for out, expr in steps]
            lines += [f"total {_line(_sum_text(total), total.out)}" for total in totals]
            return [f"loop over ({', '.join(map(str, shape))})", *(f"  {line}" for line in lines)]
        case Elementary(out, function, operands, _):
            return [_line(f"{function}({', '.join(map(str, operands))})", out)]
        case Product(out, axes=axes):
            pairs = " + ".join(f"{left.name}, {right.name}" for left, right in op.pairs)
            return [_line(f"product {axes} of {pairs}", out)]
        case Reduce(out):
            return [_line(_sum_text(op), out)]
        case Identity(out):
            return [_line("the identity", out)]
        case Transpose(out, src):
            return [_line(f"{src.name} transposed", out)]
        case View(out, src, start):
            return [_line(f"view of {src.name}" + (f" from {start}" if start else ""), out)]
        case Concat(out, parts, _):
            return [_line("concat of " + ", ".join(f"{part} ({width})" for part, width in parts), out)]
    raise unreachable(op)


def _sum_text(op: Reduce) -> str:
    return f"sum of {op.src.name}" + ("" if op.axis is None else f" over axis {op.axis}")


def _line(value: str, out: object) -> str:
    shape = ", ".join(map(str, out.shape))  # type: ignore[attr-defined]
    return f"{out.name} ({shape}) = {value}" + (f"    # {out.math}" if out.math else "")  # type: ignore[attr-defined]
