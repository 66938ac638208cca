"""The scalar functions smgen computes with, closed under differentiation.

Smooth functions (softplus, sigmoid, logcosh, sech, gaussian, ndtr, logsumexp) have derivatives made of such functions
again, in products that keep their relative accuracy in every tail: σ′ is σ(u) σ(−u), not σ (1 − σ), which is 0 from
u = 17 on in float32. Machine functions (log1p, expm1, absolute, maximum, choose, …) are what every target has.
"""

from __future__ import annotations

import mpmath
import sympy as sp

from smgen.references import REFERENCE


class _Real(sp.Function):
    """A real function of real arguments."""

    is_extended_real = True
    is_finite = True

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        """The value of a function of numbers, to `prec` bits."""
        if self.free_symbols:
            return None
        with mpmath.workprec(prec + 10):
            values = [arg._to_mpmath(prec + 10, allow_ints=False) for arg in self.args]
            return sp.Float(REFERENCE[type(self).__name__](*values), precision=prec)


class _Positive(_Real):
    """A function with positive values."""

    is_positive = True


class log1p(_Real):
    """log(1 + u), accurate near u = 0."""

    nargs = 1

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return u if u == 0 else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / (1 + self.args[0])


class expm1(_Real):
    """exp(u) − 1, accurate near u = 0."""

    nargs = 1

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return u if u == 0 else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.exp(self.args[0])


class sigmoid(_Positive):
    """σ(u) = 1 / (1 + exp(−u)); σ′(u) = σ(u) σ(−u)."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * sigmoid(-self.args[0])


class softplus(_Positive):
    """log(1 + exp(u)); its derivative is σ."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sigmoid(self.args[0])


class logcosh(_Real):
    """log(cosh(u)); its derivative is tanh."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0])


class sech(_Positive):
    """1 / cosh(u); sech′ = −tanh·sech."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -sp.tanh(self.args[0]) * self


class gaussian(_Positive):
    """exp(−c·u²) for a number c; its derivative is −2·c·u times itself.

    Where c·s², u = s·v, is a power of two, it is kept as c = 1 or ½ and s = 2^k, which are exact: exp(−(g/√2)²) is
    exp(−g²/2), and no square root is rounded.
    """

    nargs = 2

    @classmethod
    def eval(cls, u: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        scale, v = u.as_independent(*u.free_symbols, as_Add=False)
        total = c * scale**2
        if not u.free_symbols or not total.is_Rational or total <= 0:
            return None
        exponent = int(total.p).bit_length() - int(total.q).bit_length()
        half = (exponent + 1) // 2
        canonical = (sp.S(2) ** half * v, sp.S(2) ** (exponent - 2 * half))
        return None if total != sp.S(2) ** exponent or canonical == (u, c) else cls(*canonical)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        u, c = self.args
        return -2 * c * u * self


class ndtr(_Positive):
    """Φ(u), the standard normal distribution function; Φ′ = exp(−u²/2)/√(2π)."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return gaussian(self.args[0], sp.S.Half) / sp.sqrt(2 * sp.pi)


class erf(_Real):
    """The error function; erf′ = 2·exp(−u²)/√π."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * gaussian(self.args[0], sp.S.One) / sp.sqrt(sp.pi)


class step(_Real):
    """1 for u > 0, else 0. Its derivative is 0 almost everywhere, and that is what is used."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class signum(_Real):
    """−1, 0 or 1. Its derivative is 0 almost everywhere, and that is what is used."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class absolute(_Real):
    """|u|; its derivative is taken as signum."""

    nargs = 1

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return cls(-u) if u.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return signum(self.args[0])


class relu(_Real):
    """max(u, 0); its derivative is taken as step."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return step(self.args[0])


class maximum(_Real):
    """max(a, b); where they are equal its derivative is that of b."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return step(a - b) if argindex == 1 else 1 - step(a - b)


class choose(_Real):
    """x where a < b, else y; its derivative is that of x or of y."""

    nargs = 4

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if x == y:
            return x
        return (x if a < b else y) if a.is_Rational and b.is_Rational else None


class logsumexp(_Real):
    """log(1 + Σ exp(r)) over the arguments r, of which there is at least one."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return softmax(*self.args, argindex)


class softmax(_Positive):
    """exp(r_k) / (1 + Σ exp(r)), or 1 / (1 + Σ exp(r)) for k = 0: the arguments are r_1, r_2, … and the number k."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        *exponents, k = self.args
        return self * (int(k == argindex) - softmax(*exponents, argindex))


class nearest(_Real):
    """The nearest whole number, a machine function only."""

    nargs = 1


class erfcx(_Real):
    """exp(u²)·erfc(u), a machine function only."""

    nargs = 1


class minimum(_Real):
    """min(a, b), a machine function only: expressions are written with maximum."""

    nargs = 2


class kept(_Real):
    """u itself, computed as one value: sympy merges no power and no constant of it with what stands outside."""

    nargs = 1

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return u if u.is_Symbol or u.is_number or isinstance(u, kept) else None


class inverse(_Positive):
    """t / max(t, |u|) for a positive number t, a machine function only."""

    nargs = 2


class unit(_Real):
    """u / max(t, |u|) for a positive number t, a machine function only."""

    nargs = 2
