"""Scalar expressions as a sequence of elementary operations, and their evaluation with NumPy.

`linearise` alone decides the order of floating-point operations. Every backend prints the operations that it emits, and
the accuracy check at build time runs them, so the check judges the generated code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.calculus import primitives as p
from smgen.constants import in_range, nearest_float, steps
from smgen.errors import InternalError
from smgen.functions import facts_of, machines

Emit = Callable[[str, tuple[sp.Expr, ...]], sp.Expr]
Rank = Callable[[sp.Expr], int]


def linearise(expr: sp.Expr, emit: Emit, rank_of: Rank) -> sp.Expr:
    """Emit the elementary operations of `expr` and return the symbol, or scalar expression, that holds its value.

    `rank_of(e)` orders operands by cost: 0 is a scalar (kept as an expression, evaluated once), 1 a row or weight, 2 a
    value per sample. Factors and terms are taken in order of rank, so operands that do not vary over the batch are
    combined first. To share subexpressions, `emit(function, operands)` returns the same symbol for the same arguments.
    """
    ranks: dict[sp.Expr, int] = {}
    results: dict[sp.Expr, sp.Expr] = {}

    def rank(e: sp.Expr) -> int:
        if e not in ranks:
            # The caller knows the ranks of symbols only.
            ranks[e] = rank_of(e) if not e.args else max(map(rank, e.args))
        return ranks[e]

    def walk(e: sp.Expr) -> sp.Expr:
        if e.is_Symbol or rank(e) == 0:
            return e
        if e not in results:
            results[e] = operation(e)
        return results[e]

    def operation(e: sp.Expr) -> sp.Expr:
        match e:
            case sp.Add():
                return add(e)
            case sp.Mul():
                return multiply(e)
            case sp.Pow():
                return power(e.base, e.exp)
            case p.kept():
                return walk(e.args[0])
            case sp.Function() if (facts := facts_of(e.func)) is not None and facts.machine is not None:
                return emit(facts.machine.name, tuple(walk(arg) for arg in e.args))
            case _:
                raise InternalError(f"no elementary operation for {type(e).__name__} in {e}")

    def add(e: sp.Add) -> sp.Expr:
        terms = e.as_ordered_terms()
        scalar = sp.Add(*(t for t in terms if rank(t) == 0))
        arrays = sorted((t for t in terms if rank(t) > 0), key=rank)
        plus = [t for t in arrays if not _negative(t)]
        minus = [-t for t in arrays if _negative(t)]
        if plus:
            total, *plus = walk(plus[0]), *plus[1:]
        elif scalar != 0:
            total, scalar = scalar, sp.S.Zero
        else:
            total, *minus = emit("negative", (walk(minus[0]),)), *minus[1:]
        for term in plus:
            total = emit("add", (total, walk(term)))
        for term in minus:
            total = emit("subtract", (total, walk(term)))
        if scalar == 0:
            return total
        return emit("subtract", (total, -scalar)) if _negative(scalar) else emit("add", (total, scalar))

    def multiply(e: sp.Mul) -> sp.Expr:
        ordered = e.as_ordered_factors()
        scalar = sp.Mul(*(f for f in ordered if rank(f) == 0))
        arrays = sorted((f for f in ordered if rank(f) > 0), key=rank)
        above = [walk(f) for f in arrays if not _in_denominator(f)]
        below = [walk(1 / f) for f in arrays if _in_denominator(f)]
        factors = steps(scalar) if scalar.is_number else (scalar,)
        if not above:
            product = emit("divide", (factors[0], _fold(emit, "multiply", below)))
            return _fold(emit, "multiply", [product, *factors[1:]])
        product = _fold(emit, "multiply", above)
        if below:
            product = emit("divide", (product, _fold(emit, "multiply", below)))
        if scalar == 1:
            return product
        if scalar == -1:
            return emit("negative", (product,))
        numerator, denominator = scalar.as_numer_denom()
        if numerator == 1 and not denominator.is_number:
            return emit("divide", (product, denominator))
        return _fold(emit, "multiply", [product, *factors])

    def power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        if base.is_number:
            return emit("power", (base, walk(exponent)))
        if exponent.could_extract_minus_sign():
            return emit("divide", (sp.S.One, walk(base ** (-exponent))))
        whole = sp.floor(exponent)
        if exponent.is_Integer:
            return _integer_power(emit, walk(base), int(exponent))
        if exponent - whole == sp.S.Half:
            root = emit("sqrt", (walk(base),))
            return root if whole == 0 else emit("multiply", (_integer_power(emit, walk(base), int(whole)), root))
        return emit("power", (walk(base), exponent))

    return walk(expr)


def _negative(term: sp.Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _in_denominator(factor: sp.Expr) -> bool:
    return bool(factor.is_Pow and factor.exp.is_number and factor.exp.is_negative)


def _fold(emit: Emit, function: str, operands: list[sp.Expr]) -> sp.Expr:
    total, *rest = operands
    for operand in rest:
        total = emit(function, (total, operand))
    return total


def _integer_power(emit: Emit, base: sp.Expr, exponent: int) -> sp.Expr:
    """x^n by squaring: only products, which are as accurate as a power can be."""
    if exponent == 1:
        return base
    half = _integer_power(emit, base, exponent // 2)
    square = emit("square", (half,))
    return square if exponent % 2 == 0 else emit("multiply", (square, base))


Array = npt.NDArray[Any]


_ARITHMETIC: Final = ("add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "power")


def numpy_functions() -> dict[str, Callable[..., Any]]:
    """Each elementary operation as a NumPy function, for evaluation at build time and in tests."""
    arithmetic = {name: getattr(np, name) for name in _ARITHMETIC}
    return arithmetic | {m.name: m.evaluate or getattr(np, m.name) for m in machines().values()}


def evaluate(expr: sp.Expr, values: Mapping[sp.Symbol, Any], dtype: npt.DTypeLike) -> Array:
    """Evaluate `expr` in `dtype`, operation by operation as generated code does; scalars in `values` are 0-d.

    Raises `constants.OutOfRange` for a constant that the dtype cannot hold.
    """
    numpy = numpy_functions()
    env: dict[sp.Expr, Any] = dict(values)
    cache: dict[tuple[str, tuple[sp.Expr, ...]], sp.Expr] = {}
    real: Any = np.dtype(dtype).type

    def rank(e: sp.Expr) -> int:
        return max((min(np.ndim(env[s]), 2) for s in e.free_symbols), default=0)

    def value(e: sp.Expr) -> Any:
        if e in env:
            return env[e]
        if not e.free_symbols:
            return real(in_range(e, np.dtype(dtype).name))
        return real(nearest_float(e.xreplace({s: sp.Float(float(env[s]), 30) for s in e.free_symbols})))

    def emit(function: str, operands: tuple[sp.Expr, ...]) -> sp.Expr:
        key = (function, operands)
        if key not in cache:
            cache[key] = sp.Dummy()
            env[cache[key]] = numpy[function](*(value(o) for o in operands))
        return cache[key]

    return np.asarray(value(linearise(expr, emit, rank)))
