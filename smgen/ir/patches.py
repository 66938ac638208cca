"""A convolution of patches: from slopes at each place of small receptive fields to those at each place of larger ones.

Patches are tangents (N, σ c, q, channels), for the places σ of a field, the channels c of x, and the places q of an
image. A convolution with stride s and dilation d above fields that begin every S places of x makes

    R_k[τ + t d S, q] += C_t R_p[τ, q s + t d − before]    for each tap t and each place τ of the smaller field.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from smgen.ir.axes import Sliding
from smgen.ir.buffers import Buffer
from smgen.ir.products import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """Where the numbers of patches are: `windows` of the convolution, the fields of p on x, and the channels of x."""

    windows: tuple[Sliding, ...]
    fields: tuple[Sliding, ...]
    channels: int

    @property
    def taps(self) -> int:
        """The number of taps."""
        return prod(axis.kernel for axis in self.windows)

    @property
    def places(self) -> int:
        """The places of k."""
        return prod(axis.count for axis in self.windows)

    @property
    def places_below(self) -> int:
        """The places of p."""
        return prod(axis.size for axis in self.windows)

    @property
    def tangents(self) -> int:
        """The number of tangents of p."""
        return self.channels * prod(axis.kernel for axis in self.fields)

    @property
    def tangents_above(self) -> int:
        """The number of tangents of k."""
        return self.channels * prod(axis.size for axis in self.writes)

    @property
    def reads(self) -> tuple[Sliding, ...]:
        """A window on all tangents of p for each tap, with a place in it for each place of k."""
        return (Sliding(size=self.tangents, kernel=self.tangents), *map(_exchanged, self.windows))

    @property
    def writes(self) -> tuple[Sliding, ...]:
        """A window on the larger field for each tap, with a place in it for each place of the smaller field."""
        steps = [w.dilation * field.stride for w, field in zip(self.windows, self.fields, strict=True)]
        return tuple(
            Sliding(size=field.kernel + (w.kernel - 1) * step, kernel=field.kernel, stride=step)
            for w, field, step in zip(self.windows, self.fields, steps, strict=True)
        )


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


@dataclass(frozen=True, kw_only=True)
class PatchProduct:
    """A convolution of patches, with a matrix W, (taps · in, out), or what it transposes to.

    `TIMES`: R_k from left = R_p and right = W. `TIMES_TRANSPOSED`: the transpose, from left, as R_k, and W, to what is
    as R_p; with `turned`, right is Wᵀ. `TRANSPOSED_TIMES`: Σ_n ∂(R_kᵀ right)/∂W for left = R_p, a matrix as W.
    """

    out: Buffer
    left: Buffer
    right: Buffer
    form: Form
    patches: Patches
    turned: bool = False
    number: str = ""

    @property
    def inside(self) -> int:
        """The channels of p."""
        return self.out.layout.units[-1] if self.form is Form.TIMES_TRANSPOSED else self.left.layout.units[-1]

    @property
    def outside(self) -> int:
        """The channels of k."""
        return self.left.layout.units[-1] if self.form is Form.TIMES_TRANSPOSED else self.right.layout.units[-1]

    @property
    def flops(self) -> int:
        """FLOPs a sample. A multiply-add counts two; windows outside the image are not left out."""
        p = self.patches
        return 2 * p.taps * p.tangents * p.places * self.inside * self.outside

    @property
    def outs(self) -> tuple[Buffer, ...]:
        return (self.out,)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return tuple(dict.fromkeys((self.left, self.right)))
