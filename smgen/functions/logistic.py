"""The logistic function and its integral."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, ClassVar

import mpmath
import sympy as sp

from smgen.functions.base import Positive, exp_reference
from smgen.functions.exponentials import log1p
from smgen.functions.kinks import absolute, maximum, relu, signum
from smgen.functions.machine import kept


class sigmoid(Positive):
    """σ(u) = 1 / (1 + exp(−u)); σ′(u) = σ(u) σ(−u)."""

    nargs = 1
    saved = True
    monotone, limits = "rising", (0.0, 1.0)
    spelled: ClassVar[Mapping[str, str]] = {"jax": "jax.nn.sigmoid(u)", "torch": "torch.sigmoid(u)"}

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * sigmoid(-self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        return 1 / (1 + exp_reference(-u))

    def stable(self) -> sp.Expr:
        """The numerator is exp(−|u|) below zero and 1 above it: one exp, no overflow, small tails exact."""
        (u,) = self.args
        decay = kept(sp.exp(-absolute(u)))
        return maximum(decay, signum(u)) / (1 + decay)

    def plain(self) -> sp.Expr:
        return (1 + sp.tanh(self.args[0] / 2)) / 2


class softplus(Positive):
    """log(1 + exp(u)); its derivative is σ."""

    nargs = 1
    saved = True
    monotone, limits = "rising", (0.0, inf)
    spelled: ClassVar[Mapping[str, str]] = {"jax": "jax.nn.softplus(u)", "torch": "torch.nn.functional.softplus(u)"}

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sigmoid(self.args[0])

    @staticmethod
    def reference(u: Any) -> Any:
        return max(u, mpmath.mpf(0)) + mpmath.log1p(exp_reference(-abs(u)))

    def stable(self) -> sp.Expr:
        (u,) = self.args
        return relu(u) + log1p(kept(sp.exp(-absolute(u))))

    def plain(self) -> sp.Expr:
        (u,) = self.args
        return relu(u) + log1p(sp.exp(-absolute(u)))
