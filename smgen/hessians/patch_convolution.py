"""Convolutions of patches in the adjoint and tangent sweeps: operations that targets know, or have spelled out."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from smgen.ir import SAMPLES, Buffer, Form, Layout, Name, Patches, PatchProduct
from smgen.ir.rearrange import filled
from smgen.lower.tangents import Tangents


@dataclass(frozen=True, slots=True)
class PatchConvolution:
    """R_p ↦ R_k. `weight` is W, (taps · in, out)."""

    weight: Buffer
    patches: Patches

    @property
    def _above(self) -> Layout:
        """The axes of R_k."""
        return Layout(places=self.patches.places, units=self.weight.layout.units[1:])

    @property
    def _below(self) -> Layout:
        """The axes of R_p."""
        return Layout(places=self.patches.places_below, units=(self.weight.layout.units[0] // self.patches.taps,))

    def forward(self, e: Tangents, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        """R_k."""
        src = filled(e, value, self._below, name.part("arg"))
        layout = Layout(src.batched, self.patches.tangents_above, self._above.units, self._above.places)
        return self._product(e, src, self.weight, Form.TIMES, e.new(name, layout), number)

    def backward(self, e: Tangents, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        """The transpose, for δ̇."""
        src = filled(e, value, self._above, name.part("arg"))
        layout = Layout(src.batched, self.patches.tangents, self._below.units, self._below.places)
        return self._product(e, src, self.weight, Form.TIMES_TRANSPOSED, e.new(name, layout), number)

    def gradient(self, e: Tangents, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_n ∂(leftᵀ R_k)/∂W for R_p = right, (taps · in, out)."""
        (f, left), (g, right) = left.as_coeff_Mul(), right.as_coeff_Mul()
        factor, batched = f * g, [e.is_batched(v) for v in (left, right)]
        if not all(batched):  # the sum over the batch first
            factor *= 1 if any(batched) else SAMPLES.symbol
            parts = ((left, "left"), (right, "right"))
            left, right = (e.batch_sum(v, name.part(side)) if e.is_batched(v) else v for v, side in parts)
        a = filled(e, right, self._below, name.part("below"))
        b = filled(e, left, self._above, name.part("above"))
        return factor * self._product(e, a, b, Form.TRANSPOSED_TIMES, e.new(name, self.weight.layout))

    def _product(self, e: Tangents, a: Buffer, b: Buffer, form: Form, out: Buffer, number: str = "") -> sp.Symbol:
        return e.emit(PatchProduct(out=out, left=a, right=b, form=form, patches=self.patches, number=number))
