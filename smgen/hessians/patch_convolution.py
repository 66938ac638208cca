"""A convolution of patches: from slopes at each place of small receptive fields to those at each place of larger ones.

Patches are tangents (N, σ c, q, channels), for the places σ of a field, the channels c of x, and the places q of a
vertex. A convolution with stride s and dilation d above fields that begin every S places of x makes

    R_k[τ + t d S, q] += C_t R_p[τ, q s + t d − before]    for each tap t and each place τ of the smaller field.

These are as many products as there are taps, over the places of the *smaller* field. A window for
each tap reads R_p at all places q, and a window for each tap has a place for each τ in the larger field.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import sympy as sp

from smgen.hessians.fields import Fields
from smgen.ir import SAMPLES, Buffer, EachProduct, Form, Layout, Name, Sliding, each_product_layout
from smgen.ir.rearrange import filled, folded, unfolded
from smgen.lower.tangents import Tangents


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchConvolution:
    """R_p ↦ R_k. `weight` is W, (taps · in, out), `smaller` are the fields of p, and `channels` are those of x."""

    windows: tuple[Sliding, ...]
    weight: Buffer
    smaller: Fields
    channels: int

    @property
    def taps(self) -> int:
        """The number of taps."""
        return prod(axis.kernel for axis in self.windows)

    @property
    def inside(self) -> int:
        """The channels of p."""
        return self.weight.layout.units[0] // self.taps

    @property
    def out(self) -> int:
        """The channels of k."""
        return self.weight.layout.units[1]

    @property
    def places(self) -> int:
        """The places of k."""
        return prod(axis.count for axis in self.windows)

    @property
    def reads(self) -> tuple[Sliding, ...]:
        """A window on all tangents of p for each tap, with a place in it for each place of k."""
        return (Sliding(size=self.tangents, kernel=self.tangents), *map(_exchanged, self.windows))

    @property
    def writes(self) -> tuple[Sliding, ...]:
        """A window on the larger field for each tap, with a place in it for each place of the smaller field."""
        steps = [w.dilation * field.stride for w, field in zip(self.windows, self.smaller, strict=True)]
        return tuple(
            Sliding(size=field.kernel + (w.kernel - 1) * step, kernel=field.kernel, stride=step)
            for w, field, step in zip(self.windows, self.smaller, steps, strict=True)
        )

    @property
    def tangents(self) -> int:
        """The number of tangents of p."""
        return self.channels * prod(axis.kernel for axis in self.smaller)

    @property
    def larger(self) -> int:
        """The number of tangents of k."""
        return self.channels * prod(axis.size for axis in self.writes)

    def forward(self, e: Tangents, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        """R_k."""
        product = self._product(e, self._read(e, value, name), self._matrices(e), Form.TIMES, name.part("taps"))
        parts = self._by_tap(e, product.symbol, self.out, name)
        summed = folded(e, parts, self.writes, self._numbers(self.out), name.part("whole"), number)
        return _as(e, summed, Layout(tangents=self.larger, places=self.places, units=(self.out,)), name)

    def backward(self, e: Tangents, value: sp.Expr, name: Name, number: str) -> sp.Expr:
        """The transpose, for δ̇."""
        spread = self._spread(e, value, name)
        product = self._product(e, spread, self._matrices(e), Form.TIMES_TRANSPOSED, name.part("taps"))
        parts = self._by_tap(e, product.symbol, self.inside, name)
        summed = folded(e, parts, self.reads, self.inside, name.part("whole"), number)
        places = prod(axis.size for axis in self.windows)
        return _as(e, summed, Layout(tangents=self.tangents, places=places, units=(self.inside,)), name)

    def gradient(self, e: Tangents, left: sp.Expr, right: sp.Expr, name: Name) -> sp.Expr:
        """Σ_n ∂(leftᵀ R_k)/∂W for R_p = right, (taps · in, out)."""
        (f, left), (g, right) = left.as_coeff_Mul(), right.as_coeff_Mul()
        factor, batched = f * g, [e.is_batched(v) for v in (left, right)]
        if not all(batched):  # the sum over the batch first
            factor *= 1 if any(batched) else SAMPLES.symbol
            parts = ((left, "left"), (right, "right"))
            left, right = (e.batch_sum(v, name.part(side)) if e.is_batched(v) else v for v, side in parts)
        a, b = self._read(e, right, name), self._spread(e, left, name)
        product = self._product(e, a, b, Form.TRANSPOSED_TIMES, name.part("taps"))
        summed = e.batch_sum(product.symbol, name.part("samples")) if product.batched else product.symbol
        return factor * _as(e, summed, self.weight.layout, name)

    # In the axes of products: for each tap a matrix, with a row for each tangent of p and each place of k

    def _rows(self, units: int) -> Layout:
        return Layout(places=self.taps * self.tangents * self.places, units=(units,))

    def _by_tap(self, e: Tangents, value: sp.Expr, units: int, name: Name) -> sp.Expr:
        layout = Layout(places=self.taps, units=(self.tangents * self.places * units,))
        return _as(e, value, layout, name.part("parts"))

    def _numbers(self, units: int) -> int:
        """The numbers at a place of a field."""
        return self.channels * self.places * units

    def _read(self, e: Tangents, value: sp.Expr, name: Name) -> Buffer:
        """R_p at the places that each tap reads."""
        places = prod(axis.size for axis in self.windows)
        src = filled(e, value, Layout(places=places, units=(self.inside,)), name.part("read"))
        whole = _as(
            e, src.symbol, Layout(places=self.tangents * places, units=(self.inside,)), name.part("read_places")
        )
        read = unfolded(e, whole, self.reads, self.inside, name.part("read"))
        return e.buffer(_as(e, read, self._rows(self.inside), name.part("read_rows")))

    def _spread(self, e: Tangents, value: sp.Expr, name: Name) -> Buffer:
        """R_k at the places of the larger field that each tap writes."""
        src = filled(e, value, Layout(places=self.places, units=(self.out,)), name.part("spread"))
        numbers = self._numbers(self.out)
        layout = Layout(places=self.larger // self.channels, units=(numbers,))
        whole = _as(e, src.symbol, layout, name.part("spread_places"))
        spread = unfolded(e, whole, self.writes, numbers, name.part("spread"))
        return e.buffer(_as(e, spread, self._rows(self.out), name.part("spread_rows")))

    def _matrices(self, e: Tangents) -> Buffer:
        """W as a matrix for each tap."""
        layout = Layout(places=self.taps * self.inside, units=(self.out,))
        return e.buffer(_as(e, self.weight.symbol, layout, self.weight.part("of_taps")))

    def _product(self, e: Tangents, a: Buffer, b: Buffer, form: Form, name: Name) -> Buffer:
        out = e.new(name, each_product_layout(form, a.layout, b.layout, self.taps))
        e.emit(EachProduct(out=out, left=a, right=b, form=form, blocks=self.taps))
        return out


def _exchanged(w: Sliding) -> Sliding:
    """The same windows with taps and windows exchanged."""
    span = (w.kernel - 1) * w.dilation + (w.count - 1) * w.stride + 1
    return Sliding(
        size=w.size,
        kernel=w.count,
        stride=w.dilation,
        dilation=w.stride,
        before=w.before,
        after=span - w.before - w.size,
        padding=w.padding,
    )


def _as(e: Tangents, value: sp.Expr, layout: Layout, name: Name) -> sp.Expr:
    """The same numbers in these axes."""
    src = e.buffer(value)
    wanted = Layout(src.batched, layout.tangents, layout.units, layout.places)
    return value if src.layout == wanted else e.reshape(e.new(name, wanted), src)
