"""Takes the total of what a convolution has at its input without forming it, at λ = 0: [+] 2 for windows.

With X what `Fold` makes of the rows A Bᵀ of windows, every number of a row is added to one place, or to none where a
window reaches beyond an image with zeros around it. So

    Σ_n Σ_p Σ_i X = Σ_n Σ_q Σ_j A ∘ R        R = windows(1) B, once a call; the column sums of B without such places
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import sympy as sp

from smgen.analysis.readers import readers_of
from smgen.ir import Buffer, Emitter, Fold, Form, Layout, Op, Pointwise, Product, Reduce, Schedule
from smgen.ir.rearrange import filled, unfolded


def skip_folds(schedule: Schedule) -> Schedule:
    """Replace the total of a fold that nothing else reads by the total of the products' operand times sums of weights.

    Before: without aliases. After: no `Fold` of a product with a matrix is read by one total alone.
    """
    e = Emitter((*schedule.inputs, *(out for op in schedule.ops for out in op.outs)))
    found = _found(schedule)
    return schedule.with_sweeps(
        tuple(tuple(new for op in sweep.ops for new in _rewritten(e, op, found)) for sweep in schedule.sweeps)
    )


def _found(schedule: Schedule) -> Mapping[str, tuple[Product, Fold]]:
    """The products and folds, by the name of the total that alone reads them."""
    sources = {op.outs[0].name: op for op in schedule.ops}
    readers = readers_of(schedule)
    results = {b.name for b in schedule.outputs}
    found = {}
    for op in schedule.ops:
        match op:
            case Reduce(axis=None, src=src) if len(readers[src.name]) == 1 and src.name not in results:
                fold = sources.get(src.name)
                product = sources.get(fold.src.name) if isinstance(fold, Fold) else None
                if isinstance(fold, Fold) and isinstance(product, Product) and _is_of_windows(product):
                    found[op.out.name] = product, fold
    return found


def _is_of_windows(op: Product) -> bool:
    """Whether rows of each sample are multiplied with one transposed matrix."""
    return op.form is Form.TIMES_TRANSPOSED and op.left.batched and not op.right.batched and not op.plus


def _rewritten(e: Emitter, op: Op, found: Mapping[str, tuple[Product, Fold]]) -> Iterator[Op]:
    """What stands for an operation. The fold, and the product if nothing else reads it, are left to `prune`."""
    if not isinstance(op, Reduce) or op.out.name not in found:
        yield op
        return
    product, fold = found[op.out.name]
    e.sweep("")
    value = product.left.symbol * _sums(e, product, fold)
    terms = e.new(op.src.part("terms"), product.left.layout)
    e.emit(Pointwise((terms,), (value,), e.reads(value)))
    e.emit(replace(op, src=terms))
    yield from e.sweeps.pop()[1]


def _sums(e: Emitter, product: Product, fold: Fold) -> sp.Expr:
    """R. ν above the convolution is −R at λ = 0, and `reuse_operations` finds the operations that both have."""
    matrix, name = product.right, product.right.part("total")
    channels = fold.out.layout.units[-1]
    if not any((axis.table < 0).any() for axis in fold.axes):
        total = e.new(name, Layout(units=matrix.layout.units[1:]))
        return e.emit(Reduce(out=total, src=matrix, axis=0, was_product=True))
    ones = filled(e, sp.S.NegativeOne, _image(fold.out), name.part("ones"))
    read = e.buffer(unfolded(e, ones.symbol, fold.axes, channels, name.part("windows")))
    return -e.product(read, matrix, Form.TIMES, name)


def _image(b: Buffer) -> Layout:
    return Layout(places=b.layout.places, units=b.layout.units)
