"""Patches: the slopes of a unit by the inputs of its receptive field, a tangent for each place of the field ([+] 18).

In a chain of convolutions and pointwise layers, the field of the unit at place q is a window on x, and R[σ, q] is its
slope by the input at place σ of this window. So a vertex has as many tangents as its own field has places: fewer than
with colours, of which there are as many as the largest field has. At a border R is 0 where a field leaves the image.
With the fields as windows on x, δ′ is what they add up of Σ_i δ_i f″_i R_i², and ν at a unit is what they read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import prod

import sympy as sp

from smgen.hessians.fields import Fields
from smgen.hessians.local import Local
from smgen.hessians.patch_convolution import PatchConvolution
from smgen.ir import ZERO, Contribution, Layout, Name, Patches
from smgen.ir.axes import Along
from smgen.ir.rearrange import filled, folded, mixed, permuted, unfolded
from smgen.layers.letters import Quantity
from smgen.layers.protocol import Naming
from smgen.lower.hessian_state import Values
from smgen.lower.names import DELTA_PRIME, TANGENT, WEIGHTED
from smgen.lower.values import Lowering
from smgen.network import Vertex


class Patched(Local):
    """The terms of some curved vertices, by the slopes at each place of their receptive fields."""

    def __init__(self, lowering: Lowering, bent: Iterable[str], fields: Mapping[str, Fields]) -> None:
        super().__init__(lowering, bent)
        self.fields = fields
        self.channels = lowering.network.input.shape[0]
        self._columns: dict[Fields, sp.Expr] = {}

    def vectors(self) -> sp.Expr:
        """The identity of the channels, the same at every place."""
        e = self.tangents
        layout = Layout(tangents=self.channels, places=1, units=(self.channels,))
        return e.reshape(e.new(TANGENT.of(self.base), layout), e.buffer(e.identity_of(self.channels)))

    def carry(self, v: Vertex, values: Values, quantity: Quantity) -> sp.Expr:
        convolution = self._convolution(v)
        if convolution is None:
            return super().carry(v, values, quantity)
        value = values[v.inputs[0]]
        return convolution.forward(self.tangents, value, quantity.of(v.name), "[+] 18") if value != 0 else ZERO

    def back(self, v: Vertex, k: Vertex, value: sp.Expr) -> Iterator[Contribution]:
        convolution = self._convolution(k)
        if convolution is None:
            yield from super().back(v, k, value)
        elif value != 0:
            yield partial(convolution.backward, self.tangents, value)

    def gradient(self, p: str, k: Vertex, name: Naming) -> Mapping[str, sp.Expr]:
        convolution = self._convolution(k)
        if convolution is None:
            return super().gradient(p, k, name)
        left, right = self.delta_tangent[k.name], self.weighted_array(p)
        if left == 0 or right == 0:
            return {}
        key = k.operands[1]
        return {key: 2 * convolution.gradient(self.tangents, left, right, name(key))}

    def _convolution(self, k: Vertex) -> PatchConvolution | None:
        if k.layer.sliding is None or k.name not in self.names:
            return None
        weight = self.tangents.buffer(self.lowering.g[k.operands[1]])
        fields = self.fields[k.inputs[0]]
        return PatchConvolution(weight, Patches(windows=k.layer.sliding, fields=fields, channels=self.channels))

    def _size(self, field: Fields) -> int:
        """The number of inputs in a field."""
        return self.channels * prod(axis.kernel for axis in field)

    # At x

    def diagonal(self) -> sp.Expr:
        """The sum of δ_k f_pq ġ_p ġ_q over the units, added up over the fields."""
        e, sums = self.tangents, dict[Fields, sp.Expr]()
        for k, p, q, delta_curvature in self._curvatures():
            value = e.scale(delta_curvature, self.tangent[p] * self.tangent[q]) * (1 if p == q else 2)
            name = Name(f"curvature_of_{k.name}" if p == q else f"curvature_of_{k.name}_by_{p}_by_{q}")
            field = self.fields[k.name]
            sums[field] = sums.get(field, ZERO) + self._over_units(value, k, name)
        total = ZERO
        for position, (field, value) in enumerate(sums.items(), start=1):
            total += self._added(value, field, DELTA_PRIME.of(self.base).part(f"of_fields_{position}"))
        return total

    def _over_units(self, value: sp.Expr, k: Vertex, name: Name) -> sp.Expr:
        """Σ_i, a number for each place of a field and each place of k."""
        units = k.layout.units[-1]
        old, new = (Layout(places=k.layout.places, units=(n,)) for n in (units, 1))
        return mixed(self.tangents, value, Along.total(units), 1, old, new, name) if units > 1 else value

    def _added(self, value: sp.Expr, field: Fields, name: Name) -> sp.Expr:
        """(N, σ c, q, 1) → (N, places of x, c): each input has the sum over the fields that it is in."""
        e, places = self.tangents, prod(axis.count for axis in field)
        src = filled(e, value, Layout(places=places, units=(1,)), name)
        size = self._size(field)
        row = e.reshape(e.new(name.part("row"), Layout(src.batched, units=(size * places,))), src)
        wanted = Layout(places=places, units=(size,))
        turned = permuted(e, row, e.layout(row), wanted, (size, places), (1, 0), name.part("turned"))
        return folded(e, turned, field, self.channels, name, "[+] 18")

    def weighted(self, v: Vertex) -> sp.Expr:
        """ν of the input that each tangent is along, times ġ."""
        return self.tangents.bind(WEIGHTED.of(v.name), self._nu_along(v) * self.tangent[v.name], "[+] 18")

    def _nu_along(self, v: Vertex) -> sp.Expr:
        """ν of the input that each tangent is along: (N, places of x, c) → (N, σ c, q, 1), once for each field."""
        field = self.fields[v.name]
        if field not in self._columns:
            e, nu = self.tangents, self.tangents.buffer(self.base_adjoint)
            name = Name(
                f"{nu.name}_along_{v.name}", nu.letter and replace(nu.letter, text=f"{nu.letter.text}|{v.name}")
            )
            places, size = prod(axis.count for axis in field), self._size(field)
            read = unfolded(e, nu.symbol, field, self.channels, name.part("read"))
            old, new = Layout(places=places, units=(size,)), Layout(units=(size * places,))
            row = permuted(e, read, old, new, (places, size), (1, 0), name.part("row"))
            self._columns[field] = e.reshape(
                e.new(name, Layout(nu.batched, size, (1,), places)), e.buffer(row), "[+] 18"
            )
        return self._columns[field]

    def begin(self, base_adjoint: sp.Expr) -> None:
        super().begin(base_adjoint)
        self._columns = {}
