"""Checks that a schedule is well formed, after lowering and every pass. A failure is a fault of the compiler."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from smgen.errors import InternalError, unreachable
from smgen.ir import (
    LAMBDA,
    SAMPLES,
    Buffer,
    Concat,
    EachProduct,
    Elementary,
    Fold,
    Form,
    Fused,
    Greatest,
    Identity,
    Layout,
    Mix,
    Op,
    PatchProduct,
    Permute,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Shape,
    Sliding,
    Transpose,
    Unfold,
    View,
    WindowForm,
    WindowProduct,
    broadcast,
    each_product_layout,
    names_in,
    product_layout,
)


def verify(schedule: Schedule, before: Schedule | None = None) -> Schedule:
    """Return `schedule` if every buffer is assigned once, before it is read, with the shape its operation gives it.

    Otherwise raises `InternalError`, which names the schedule and the operation. `before` is a schedule that is
    checked already: for operations that both have, only the order of reads is checked again.
    """
    defined = {b.name: b for b in schedule.inputs}
    old = set(map(id, before.ops)) if before is not None else set()
    for op in schedule.ops:
        try:
            _check_order(op, defined)
            if id(op) not in old:
                _check_reads(op)
                _check_shapes(op)
            for out in op.outs:
                _require(out.name not in defined, f"{out.name} is assigned twice")
                defined[out.name] = out
        except ValueError as error:
            raise InternalError(f"schedule {schedule.name}, {op}: {error}") from error
    for out in schedule.outputs:
        if defined.get(out.name) != out:
            raise InternalError(f"schedule {schedule.name} returns {out.name}, which it does not compute")
    return schedule


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise ValueError(complaint)


def _check_order(op: Op, defined: dict[str, Buffer]) -> None:
    for read in op.reads:
        known = defined.get(read.name)
        if known is not read and known != read:
            raise ValueError(f"{read.name} is read before it is assigned, or differs from what was")


def _check_reads(op: Op) -> None:
    known = {b.name for b in op.reads}
    sums = {b.name for b in op.reads if b.kind == "accumulator"} - {LAMBDA.name, SAMPLES.name}
    _require(
        not sums or all(out.kind == "accumulator" for out in op.outs), f"{sorted(sums)} are float64, not the dtype"
    )
    match op:
        case Pointwise() | Fused():
            steps = op.steps if isinstance(op, Fused) else zip(op.outs, op.exprs, strict=True)
            for out, expr in steps:
                _require(names_in(expr) <= known, f"{out.name} reads what it does not declare")
                known.add(out.name)
        case Elementary(operands=operands):
            _require(all(names_in(operand) <= known for operand in operands), "an operand is not declared")
        case Concat(_, parts, _):
            _require(all(names_in(part) <= known for part, _ in parts), "a part is not declared")
        case _:
            pass


def _check_shapes(op: Op) -> None:
    match op:
        case Pointwise() | Elementary():
            source = broadcast(*(b.layout for b in op.reads))
            for out in op.outs:
                fits = broadcast(source, out.layout) == out.layout
                _require(fits, f"{out.name} {out.shape} cannot hold {source.shape}")
        case Fused(layout=layout, steps=steps, stored=stored, totals=totals, reads=reads):
            source = broadcast(*(b.layout for b in reads))
            _require(broadcast(source, layout) == layout, f"a loop over {layout.shape} cannot read {source.shape}")
            results = {out for out, _ in steps}
            same = all(out.layout == layout for out in results)
            _require(same, f"a step does not have the loop's shape {layout.shape}")
            _require(set(stored) <= results, "what is stored is not computed")
            _require(all(t.src in results or t.src in reads for t in totals), "a total of what the loop does not have")
        case Product():
            for left, right in op.pairs:
                shape = product_layout(op.form, left.layout, right.layout, each_sample=op.each_sample).shape
                _require(op.out.shape == shape, f"{op.out.name} {op.out.shape} does not hold a product {shape}")
        case EachProduct(out=out, left=left, right=right):
            layout = each_product_layout(op.form, left.layout, right.layout, op.blocks)
            _require(out.layout == layout, f"{out.name} {out.shape} does not hold a product {layout.shape}")
        case Reduce(out=out, src=src, axis=axis):
            expected: Shape = src.shape[-1:]
            if axis != "rows":
                expected = () if axis is None else src.shape[:axis] + src.shape[axis + 1 :]
            _require(out.shape == expected, f"a sum over axis {axis} of {src.shape} has shape {expected}")
            _require(axis is not None or out.kind == "accumulator", "a total is accumulated in float64")
        case View(out, src, start):
            same = out.shape == src.shape and start == 0
            inside = out.shape[:-1] == src.shape[:-1] and start + _width(out) <= _width(src)
            fits = same or op.is_column or op.is_row or op.is_reshaped or inside
            _require(fits, f"{out.shape} is no view of {src.shape}")
        case Concat(out, parts, _):
            _require(sum(width for _, width in parts) == _width(out), "the parts do not fill the result")
        case Identity(out):
            _require(len(out.shape) == 2 and len({*out.shape}) == 1, f"{out.shape} is no identity matrix's")
        case Transpose(out, src):
            _require(len(src.shape) == 2 and not src.batched, f"{src.shape} has no transpose")
            _require(out.shape == src.shape[::-1], f"{out.shape} is not {src.shape} transposed")
        case Permute(out, src, sizes, order):
            _require(sorted(order) == list(range(len(sizes))), f"{order} is no order of {len(sizes)} axes")
            _require(prod(sizes) == src.layout.count == out.layout.count, f"{sizes} are not the axes of {src.shape}")
            _require(_rows(out) == _rows(src), "the rows differ")
        case Mix(out, src, matrix, after):
            block = matrix.columns * after
            _require(src.layout.count % block == 0, f"no axis of {matrix.columns} in {src.shape}")
            count = src.layout.count // block * len(matrix.rows) * after
            _require(_rows(out) == _rows(src) and out.layout.count == count, f"{out.shape} has not {count} numbers")
        case Greatest(out, src, count, after):
            _require(src.layout.count % (count * after) == 0, f"no axis of {count} in {src.shape}")
            fits = _rows(out) == _rows(src) and out.layout.count * count == src.layout.count
            _require(fits, f"{out.shape} does not hold the greatest numbers of {src.shape}")
        case Unfold(out, src, axes):
            _check_windows(src, out, axes)
        case Fold(out, src, axes):
            _check_windows(out, src, axes)
        case PatchProduct():
            _check_patches(op)
        case WindowProduct():
            _check_window_product(op)
        case _:
            raise unreachable(op)


def _check_windows(image: Buffer, windows: Buffer, axes: tuple[Sliding, ...]) -> None:
    """An image has its places and channels, windows have their taps of all channels."""
    _require(image.layout.places == prod(axis.size for axis in axes), f"{image.shape} is no image of {axes}")
    _require(windows.layout.places == prod(axis.count for axis in axes), f"{windows.shape} are no windows of {axes}")
    taps = prod(axis.kernel for axis in axes)
    _require(_width(windows) == taps * _width(image), f"{windows.shape} has not {taps} taps")
    _require(_rows(image) == _rows(windows), "the rows differ")


def _check_window_product(op: WindowProduct) -> None:
    """An image fits its windows, and a matrix has a row or a column for all taps of all channels."""
    _require(not any(axis.before or axis.after for axis in op.axes), f"windows of {op.out.name} read outside the image")
    windows, taps = (prod(getattr(axis, count) for axis in op.axes) for count in ("count", "kernel"))
    for left, right in op.pairs:
        image = op.out if op.form is WindowForm.FOLDED else left
        depth = taps * _width(image)
        _require(image.layout.places == prod(axis.size for axis in op.axes), f"{image.shape} is no image of {op.axes}")
        if op.form is WindowForm.TRANSPOSED_TIMES:
            fits = right.layout.places == windows and op.out.shape == (depth, _width(right))
            fits &= _rows(left) == _rows(right)
        elif op.form is WindowForm.TIMES:
            fits = right.shape == (depth, _width(op.out)) and op.out.layout.places == windows
            fits &= _rows(left) == _rows(op.out)
        else:
            fits = right.shape == (_width(left), depth) and left.layout.places == windows
            fits &= _rows(left) == _rows(op.out)
        _require(
            fits, f"{left.shape} and {right.shape} do not fit for {op.out.name} {op.out.shape} of windows {op.axes}"
        )


def _check_patches(op: PatchProduct) -> None:
    """Patches below and above a convolution have the tangents, places and channels that it joins."""
    p = op.patches
    below = Layout(True, p.tangents, (op.inside,), p.places_below)
    above = Layout(True, p.tangents_above, (op.outside,), p.places)
    sizes = (p.taps * op.inside, op.outside)
    weight = Layout(units=sizes[::-1] if op.turned else sizes)
    wanted = {
        Form.TIMES: (below, weight, above),
        Form.TIMES_TRANSPOSED: (above, weight, below),
        Form.TRANSPOSED_TIMES: (below, above, weight),
    }[op.form]
    for b, layout in zip((op.left, op.right, op.out), wanted, strict=True):
        _require(replace(b.layout, batch=layout.batch) == layout, f"{b.name} {b.shape} does not hold {layout.shape}")


def _rows(b: Buffer) -> tuple[bool, int | None]:
    return b.batched, b.tangents


def _width(buffer: Buffer) -> int:
    width = buffer.shape[-1] if buffer.shape else 0
    return width if isinstance(width, int) else 0
