"""A schedule as text, one line for each operation: for people, goldens and error messages."""

from __future__ import annotations

from collections.abc import Mapping

from smgen.equations.printer import equations
from smgen.errors import unreachable
from smgen.ir import (
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
    Sliding,
    Transpose,
    Unfold,
    View,
    WindowProduct,
)


def schedule_text(schedule: Schedule) -> str:
    """`delta_filters (N, 288) = …` for every operation, under its equation."""
    known = equations(schedule)
    lines = [f"{schedule.name}"]
    for sweep in schedule.sweeps:
        lines += ["", f"  {sweep.name}"]
        lines += [f"    {line}" for op in sweep.ops for line in op_lines(op, known)]
    lines += ["", "  returns " + ", ".join(b.name for b in schedule.outputs)]
    return "\n".join(lines) + "\n"


def op_lines(op: Op, equations: Mapping[str, str]) -> list[str]:
    """The lines of an operation, each with its equation at the end."""

    def line(value: str, out: Buffer) -> str:
        shape = ", ".join(map(str, out.shape))
        equation = equations.get(out.name)
        return f"{out.name} ({shape}) = {value}" + (f"    # {equation}" if equation else "")

    match op:
        case Pointwise(outs, exprs, _):
            return [line(str(expr), out) for out, expr in zip(outs, exprs, strict=True)]
        case Fused(shape=shape, steps=steps, stored=stored, totals=totals):
            kept = set(stored)
            lines = [("" if out in kept else "local ") + line(str(expr), out) for out, expr in steps]
            lines += [f"total {line(_sum_text(total), total.out)}" for total in totals]
            return [f"loop over ({', '.join(map(str, shape))})", *(f"  {line}" for line in lines)]
        case Elementary(out, function, operands, _):
            return [line(f"{function}({', '.join(map(str, operands))})", out)]
        case Product(out=out):
            pairs = " + ".join(f"{left.name}, {right.name}" for left, right in op.pairs)
            return [line(f"product {op.form.value}{' each sample' * op.each_sample} of {pairs}", out)]
        case EachProduct(out=out, left=left, right=right):
            return [
                line(f"product {op.form.value} of each sample's {left.name}, {right.name}, {op.blocks} blocks", out)
            ]
        case Reduce(out=out):
            return [line(_sum_text(op), out)]
        case Identity(out):
            return [line("the identity", out)]
        case Transpose(out, src):
            return [line(f"{src.name} transposed", out)]
        case Permute(out, src, sizes, order):
            return [line(f"{src.name}, {sizes} in the order {order}", out)]
        case Mix(out, src, matrix, after):
            return [line(f"{len(matrix.rows)} x {matrix.columns} matrix times {src.name}, {after} apart", out)]
        case Greatest(out, src, count, after):
            return [line(f"greatest of {count} in {src.name}, {after} apart", out)]
        case Unfold(out, src, axes):
            return [line(f"windows of {src.name}, {_windows(axes)}", out)]
        case Fold(out, src, axes):
            return [line(f"fold of {src.name}, {_windows(axes)}", out)]
        case WindowProduct(out=out, axes=axes):
            pairs = " + ".join(f"{left.name}, {right.name}" for left, right in op.pairs)
            return [line(f"product {op.form.value} with windows {_windows(axes)} of {pairs}", out)]
        case PatchProduct(out=out, left=left, right=right, patches=patches):
            fields = _windows(patches.fields)
            text = f"product {op.form.value} of patches {fields} with windows {_windows(patches.windows)}"
            return [line(f"{text} of {left.name}, {right.name}", out)]
        case View(out, src, start):
            return [line(f"view of {src.name}" + (f" from {start}" if start else ""), out)]
        case Concat(out, parts, _):
            return [line("concat of " + ", ".join(f"{part} ({width})" for part, width in parts), out)]
    raise unreachable(op)


def _windows(axes: tuple[Sliding, ...]) -> str:
    return " by ".join(
        f"{a.kernel} of {a.size} (stride {a.stride}, dilation {a.dilation}, {a.before} {a.padding} {a.after})"
        for a in axes
    )


def _sum_text(op: Reduce) -> str:
    return f"sum of {op.src.name}" + (
        "" if op.axis is None else f" over {'rows' if op.axis == 'rows' else f'axis {op.axis}'}"
    )
