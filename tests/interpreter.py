"""The meaning of a schedule, as directly as it can be written: what every pass must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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
    Elementary,
    Form,
    Fused,
    Identity,
    Pointwise,
    Product,
    Reduce,
    Schedule,
    Transpose,
    View,
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
                env.update({total.out.name: np.sum(local[total.src.name], axis=total.axis) for total in totals})
            case Product(out=out):
                env[out.name] = sum(_product(op, env[left.name], env[right.name]) for left, right in op.pairs)
            case Reduce(out=out, src=src, axis=axis):
                env[out.name] = np.sum(env[src.name], axis=axis)
            case View(out, src, start):
                env[out.name] = _view(env[src.name], out, src, start)
            case Concat(out, parts, _):
                rows = [np.broadcast_to(_value(p, env), (*_shape(out, env)[:-1], width)) for p, width in parts]
                env[out.name] = np.concatenate(rows, axis=-1)
            case Identity(out):
                env[out.name] = np.eye(int(out.shape[0]))
            case Transpose(out, src):
                env[out.name] = env[src.name].T
            case _:
                raise unreachable(op)
    return {out.name: np.asarray(env[out.name]) for out in schedule.outputs}


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
    if src.is_vector and out.shape == (src.shape[0], 1, src.shape[1]):
        return value[:, np.newaxis]
    if out.shape == src.shape:
        return value
    return value[..., start : start + int(out.shape[-1])]
