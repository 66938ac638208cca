"""The meaning of a schedule, as directly as it can be written: what every pass must leave alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp
from scipy import special

from smgen.calculus.scalar import numpy_functions
from smgen.errors import unreachable
from smgen.ir import (
    Buffer,
    Concat,
    EachProduct,
    Elementary,
    Fold,
    Form,
    Fused,
    Greatest,
    Identity,
    Mix,
    Patches,
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
    WindowForm,
    WindowProduct,
)

Array = npt.NDArray[Any]

FUNCTIONS = {
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "softplus": lambda u: np.log1p(np.exp(u)),
    "logcosh": lambda u: np.log(np.cosh(u)),
    "sech": lambda u: 1 / np.cosh(u),
    "gaussian": lambda u, c: np.exp(-float(c) * u * u),
    "ndtr": special.ndtr,
    "erf": special.erf,
    "erfcx": special.erfcx,
    "relu": lambda u: np.maximum(u, 0),
    "step": lambda u: np.heaviside(u, 0),
    "absolute": np.abs,
    "signum": np.sign,
    "nearest": np.rint,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "choose": lambda a, b, x, y: np.where(a < b, x, y),
    "kept": lambda u: u,
    "inverse": lambda u, t: t / np.maximum(np.abs(u), t),
    "unit": lambda u, t: u / np.maximum(np.abs(u), t),
    "logsumexp": lambda *r: np.log1p(sum(map(np.exp, r))),
    "softmax": lambda *args: np.exp((0 * args[0], *args)[int(args[-1])]) / (1 + sum(map(np.exp, args[:-1]))),
}


def interpret(schedule: Schedule, inputs: dict[str, Any]) -> dict[str, Array]:
    """Run a schedule in float64; `inputs` by buffer name. Returns its outputs by name."""
    env: dict[str, Any] = dict(inputs)
    for op in schedule.ops:
        match op:
            case Pointwise(outs, exprs, _):
                for out, expr in zip(outs, exprs, strict=True):
                    env[out.name] = _fit(_value(expr, env), out, env)
            case Elementary(out, function, operands, _):
                values = [_value(operand, env) for operand in operands]
                result = values[0] if function == "copy" else numpy_functions()[function](*values)
                env[out.name] = _fit(result, out, env)
            case Fused(steps=steps, stored=stored, totals=totals):
                local = dict(env)
                for out, expr in steps:
                    local[out.name] = _fit(_value(expr, local), out, local)
                env.update({out.name: local[out.name] for out in stored})
                env.update({total.out.name: _sum(local[total.src.name], total.axis) for total in totals})
            case Product(out=out):
                env[out.name] = sum(_product(op, env[left.name], env[right.name]) for left, right in op.pairs)
            case EachProduct(out=out, left=left, right=right):
                env[out.name] = _each_product(op, env[left.name], env[right.name]).reshape(_shape(out, env))
            case Reduce(out=out, src=src, axis=axis):
                env[out.name] = _sum(env[src.name], axis)
            case View(out, src, start):
                env[out.name] = _view(env[src.name], out, src, start)
            case Concat(out, parts, _):
                rows = [np.broadcast_to(_value(p, env), (*_shape(out, env)[:-1], width)) for p, width in parts]
                env[out.name] = np.concatenate(rows, axis=-1)
            case Identity(out):
                env[out.name] = np.eye(int(out.shape[0]))
            case Transpose(out, src):
                env[out.name] = env[src.name].T
            case Permute(out, src, sizes, order):
                moved = env[src.name].reshape(-1, *sizes).transpose(0, *(axis + 1 for axis in order))
                env[out.name] = moved.reshape(_shape(out, env))
            case Mix(out, src, matrix, after):
                axis = env[src.name].reshape(-1, matrix.columns, after)
                env[out.name] = np.matmul(matrix.array, axis).reshape(_shape(out, env))
            case Greatest(out, src, count, after):
                env[out.name] = env[src.name].reshape(-1, count, after).max(1).reshape(_shape(out, env))
            case Unfold(out, src, axes):
                env[out.name] = np.matmul(_taps(axes, src), _rows(env[src.name], src)).reshape(_shape(out, env))
            case Fold(out, src, axes):
                env[out.name] = np.matmul(_taps(axes, out).T, _rows(env[src.name], src)).reshape(_shape(out, env))
            case PatchProduct(out=out):
                env[out.name] = _patch_product(op, env[op.left.name], env[op.right.name]).reshape(_shape(out, env))
            case WindowProduct(out=out):
                total = sum(_window_product(op, env[left.name], env[right.name]) for left, right in op.pairs)
                env[out.name] = np.asarray(total).reshape(_shape(out, env))
            case _:
                raise unreachable(op)
    return {out.name: np.asarray(env[out.name]) for out in schedule.outputs}


def _each_product(op: EachProduct, left: Array, right: Array) -> Array:
    def matrices(b: Buffer, value: Array) -> Array:
        rows = (b.layout.places or 1) // op.blocks
        return value.reshape(-1, b.tangents or 1, op.blocks, rows, b.layout.units[-1])

    a, b = matrices(op.left, left), matrices(op.right, right)
    a = np.swapaxes(a, -1, -2) if op.form is Form.TRANSPOSED_TIMES else a
    b = np.swapaxes(b, -1, -2) if op.form is Form.TIMES_TRANSPOSED else b
    product: Array = np.matmul(a, b)
    return product


def _patch_product(op: PatchProduct, left: Array, right: Array) -> Array:
    """Tap by tap: which rows of the patches below, (tangent, place), go to which rows of those above."""
    p = op.patches
    below, above = (p.tangents * p.places_below, op.inside), (p.tangents_above * p.places, op.outside)
    matrices = np.zeros((p.taps, op.inside, op.outside))
    result = matrices
    if op.form is not Form.TRANSPOSED_TIMES:
        matrices = (right.T if op.turned else right).reshape(matrices.shape)
        left = left.reshape(-1, *(below if op.form is Form.TIMES else above))
        result = np.zeros((len(left), *(above if op.form is Form.TIMES else below)))
    for matrix, tap in zip(matrices, np.ndindex(*(w.kernel for w in p.windows)), strict=True):
        low, high = np.array(list(_rows_of_patches(p, tap)), int).reshape(-1, 2).T
        if op.form is Form.TIMES:
            result[:, high] += left[:, low] @ matrix  # no row comes twice in a tap
        elif op.form is Form.TIMES_TRANSPOSED:
            result[:, low] += left[:, high] @ matrix.T
        else:
            matrix += np.einsum("nri,nro->io", left.reshape(-1, *below)[:, low], right.reshape(-1, *above)[:, high])
    return result


def _rows_of_patches(p: Patches, tap: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    sizes, larger = [w.size for w in p.windows], [axis.size for axis in p.writes]
    kernels, counts = [f.kernel for f in p.fields], [w.count for w in p.windows]
    for tau in np.ndindex(*kernels):
        at = [t + own.stride * k for t, own, k in zip(tau, p.writes, tap, strict=True)]
        for q in np.ndindex(*counts):
            place = [int(w.table[n, t]) for w, n, t in zip(p.windows, q, tap, strict=True)]
            if min(place) < 0:
                continue
            for c in range(p.channels):
                low = (_flat(tau, kernels) * p.channels + c) * prod(sizes) + _flat(place, sizes)
                yield low, (_flat(at, larger) * p.channels + c) * prod(counts) + _flat(q, counts)


def _flat(index: Sequence[int], sizes: Sequence[int]) -> int:
    return int(np.ravel_multi_index(tuple(index), tuple(sizes)))


def _window_product(op: WindowProduct, left: Array, right: Array) -> Array:
    taps, windows = _taps(op.axes, op.image), prod(axis.count for axis in op.axes)
    if op.form is WindowForm.FOLDED:
        return np.asarray((left @ right).reshape(-1, len(taps)) @ taps)
    read = (_rows(left, op.image)[..., 0] @ taps.T).reshape(-1, windows, len(taps) // windows)
    if op.form is WindowForm.TIMES:
        return np.asarray(read @ right)
    return np.tensordot(read, right.reshape(*read.shape[:2], -1), axes=((0, 1), (0, 1)))


def _sum(value: Array, axis: int | str | None) -> Any:
    """The sum over an axis, over all rows, or over all axes."""
    over: Any = tuple(range(value.ndim - 1)) if axis == "rows" else axis
    return np.sum(value, axis=over)


def _taps(axes: tuple[Sliding, ...], image: Buffer) -> Array:
    """The matrix of 0 and 1 that windows are, from places and channels of an image to windows, taps and channels."""
    table = np.zeros((1, 1), int)
    for axis in axes:
        both = table[:, np.newaxis, :, np.newaxis] * axis.size + axis.table[np.newaxis, :, np.newaxis, :]
        none = (table[:, np.newaxis, :, np.newaxis] < 0) | (axis.table[np.newaxis, :, np.newaxis, :] < 0)
        table = np.where(none, -1, both).reshape(table.shape[0] * axis.count, -1)
    picked = (table.ravel()[:, np.newaxis] == np.arange(image.layout.places or 1)).astype(float)
    return np.kron(picked, np.eye(image.layout.units[-1]))


def _rows(value: Array, b: Buffer) -> Array:
    """A column of all numbers for each sample and tangent."""
    return value.reshape(-1, b.layout.count, 1)


def _value(expr: sp.Expr, env: dict[str, Any]) -> Any:
    names, function = _function(expr)
    return function(*(np.asarray(env[name], np.float64) for name in names))


@lru_cache(maxsize=2048)
def _function(expr: sp.Expr) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """The names that an expression reads and a function of their values; passes leave most expressions as they are."""
    symbols = sorted(expr.free_symbols, key=lambda s: s.name)
    return tuple(s.name for s in symbols), sp.lambdify(symbols, expr, modules=[FUNCTIONS, "numpy"])


def _product(op: Product, left: Array, right: Array) -> Any:
    match op.form:
        case Form.TIMES:
            return np.matmul(left, right)
        case Form.TIMES_TRANSPOSED:
            return np.matmul(left, np.swapaxes(right, -1, -2))
        case Form.TRANSPOSED_TIMES if op.each_sample:
            return np.matmul(np.swapaxes(left, -1, -2), right)
        case Form.TRANSPOSED_TIMES:
            return np.tensordot(left, right, axes=(range(left.ndim - 1),) * 2)
    raise unreachable(op.form)


def _shape(buffer: Buffer, env: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(env["N"]) if dim == "N" else dim for dim in buffer.shape)


def _fit(value: Any, out: Buffer, env: dict[str, Any]) -> Any:
    return np.broadcast_to(np.asarray(value, np.float64), _shape(out, env))


def _view(value: Array, out: Buffer, src: Buffer, start: int) -> Array:
    if out.shape == (*src.shape, 1):
        return value[..., np.newaxis]
    if src.batched and src.tangents is None and out.layout == src.layout.row_of_tangents:
        return value[:, np.newaxis]
    if out.shape == src.shape:
        return value
    sizes, own = ([int(dim) for dim in b.shape if dim != "N"] for b in (out, src))
    if prod(sizes) == prod(own):
        return value.reshape(len(value), *sizes) if src.batched else value.reshape(sizes)
    return value[..., start : start + int(out.shape[-1])]
