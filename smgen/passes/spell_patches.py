"""Writes convolutions of patches as windows and products, for targets that have no operation of their own for them.

They are as many products as there are taps, over the places of the *smaller* field. A window for each tap reads R_p at
all places q, and a window for each tap has a place for each τ in the larger field.
"""

from __future__ import annotations

import sympy as sp

from smgen.ir import (
    Buffer,
    EachProduct,
    Emitter,
    Form,
    Layout,
    Name,
    Op,
    Patches,
    PatchProduct,
    Reduce,
    Schedule,
    View,
    each_product_layout,
)
from smgen.ir.rearrange import folded, unfolded


def spell_patches(schedule: Schedule) -> Schedule:
    """Replace each `PatchProduct` by an `Unfold`, products of matrices, and a `Fold`.

    Before: any verified schedule without tiles. After: there is no `PatchProduct`.
    """
    e = Emitter((*schedule.inputs, *(out for op in schedule.ops for out in op.outs)))
    return schedule.with_sweeps(
        tuple(tuple(new for op in sweep.ops for new in _spelled(e, op)) for sweep in schedule.sweeps)
    )


def _spelled(e: Emitter, op: Op) -> tuple[Op, ...]:
    if not isinstance(op, PatchProduct):
        return (op,)
    e.sweep("")
    {Form.TIMES: _forward, Form.TIMES_TRANSPOSED: _backward, Form.TRANSPOSED_TIMES: _gradient}[op.form](e, op)
    return tuple(e.sweeps.pop()[1])


def _forward(e: Emitter, op: PatchProduct) -> None:
    p, name = op.patches, op.out.part("of")
    product = _product(e, op, _read(e, op.left, op, name), _matrices(e, op.right, op), name.part("taps"))
    parts = _by_tap(e, product, op.outside, p, name)
    summed = folded(e, parts, p.writes, _numbers(p, op.outside), name.part("whole"), op.number)
    _into(e, summed, op)


def _backward(e: Emitter, op: PatchProduct) -> None:
    p, name = op.patches, op.out.part("of")
    product = _product(e, op, _spread(e, op.left, op, name), _matrices(e, op.right, op), name.part("taps"))
    parts = _by_tap(e, product, op.inside, p, name)
    summed = folded(e, parts, p.reads, op.inside, name.part("whole"), op.number)
    _into(e, summed, op)


def _gradient(e: Emitter, op: PatchProduct) -> None:
    name = op.out.part("of")
    product = _product(e, op, _read(e, op.left, op, name), _spread(e, op.right, op, name), name.part("taps"))
    if product.batched:
        total = e.new(name.part("samples"), product.layout.once)
        product = e.buffer(e.emit(Reduce(out=total, src=product, axis=0)))
    _into(e, product.symbol, op)


def _into(e: Emitter, value: sp.Expr, op: PatchProduct) -> None:
    """The result, under its own name."""
    e.emit(View(op.out, e.buffer(value)))


# In the axes of products: for each tap a matrix, with a row for each tangent of p and each place of k


def _by_tap(e: Emitter, product: Buffer, units: int, p: Patches, name: Name) -> sp.Expr:
    layout = Layout(places=p.taps, units=(p.tangents * p.places * units,))
    return _as(e, product.symbol, layout, name.part("parts"))


def _numbers(p: Patches, units: int) -> int:
    """The numbers at a place of a field."""
    return p.channels * p.places * units


def _rows(p: Patches, units: int) -> Layout:
    return Layout(places=p.taps * p.tangents * p.places, units=(units,))


def _read(e: Emitter, below: Buffer, op: PatchProduct, name: Name) -> Buffer:
    """R_p at the places that each tap reads."""
    p = op.patches
    layout = Layout(places=p.tangents * p.places_below, units=(op.inside,))
    whole = _as(e, below.symbol, layout, name.part("read_places"))
    read = unfolded(e, whole, p.reads, op.inside, name.part("read"))
    return e.buffer(_as(e, read, _rows(p, op.inside), name.part("read_rows")))


def _spread(e: Emitter, above: Buffer, op: PatchProduct, name: Name) -> Buffer:
    """R_k at the places of the larger field that each tap writes."""
    p = op.patches
    numbers = _numbers(p, op.outside)
    layout = Layout(places=p.tangents_above // p.channels, units=(numbers,))
    whole = _as(e, above.symbol, layout, name.part("spread_places"))
    spread = unfolded(e, whole, p.writes, numbers, name.part("spread"))
    return e.buffer(_as(e, spread, _rows(p, op.outside), name.part("spread_rows")))


def _matrices(e: Emitter, weight: Buffer, op: PatchProduct) -> Buffer:
    """W as a matrix for each tap."""
    layout = Layout(places=op.patches.taps * op.inside, units=(op.outside,))
    return e.buffer(_as(e, weight.symbol, layout, weight.part("of_taps")))


def _product(e: Emitter, op: PatchProduct, a: Buffer, b: Buffer, name: Name) -> Buffer:
    out = e.new(name, each_product_layout(op.form, a.layout, b.layout, op.patches.taps))
    return e.buffer(e.emit(EachProduct(out=out, left=a, right=b, form=op.form, blocks=op.patches.taps)))


def _as(e: Emitter, value: sp.Expr, layout: Layout, name: Name) -> sp.Expr:
    """The same numbers in these axes."""
    src = e.buffer(value)
    wanted = Layout(src.batched, layout.tangents, layout.units, layout.places)
    return value if src.layout == wanted else e.reshape(e.new(name, wanted), src)
