"""Products with windows in C: calls of the runtime's functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from smgen.ir import Buffer, Form, PatchProduct, Phase, WindowForm, WindowProduct
from smgen.targets.c.moves import MoveTables, blocks

WINDOW_PRODUCTS: Final = {
    WindowForm.TIMES: "windows_times",
    WindowForm.TRANSPOSED_TIMES: "windows_transposed_times",
    WindowForm.FOLDED: "times_folded",
}
"""Products with windows as functions of the runtime."""

PATCH_PRODUCTS: Final = {
    Form.TIMES: "patches_times",
    Form.TIMES_TRANSPOSED: "times_patches",
    Form.TRANSPOSED_TIMES: "patches_transposed_times",
}
"""Convolutions of patches as functions of the runtime."""


class SlideCalls:
    """Prints the calls of one phase."""

    def __init__(self, tables: MoveTables, phase: Phase, call: Callable[..., str]) -> None:
        self.tables, self.call = tables, call
        self.in_tile = phase == "tile"
        self.team = "mine" if self.in_tile else "all"

    def window_product(self, op: WindowProduct) -> Iterator[str]:
        """Products with windows, one for each pair of operands."""
        for position, (left, right) in enumerate(op.pairs):
            image = op.out if op.form is WindowForm.FOLDED else left
            windows = self.tables.of_windows(op.axes, image.layout.units[-1])
            width = left.layout.units[-1] if op.form is WindowForm.FOLDED else right.layout.units[-1]
            more = "1" if position else self._more(op.out)
            arrays = f"{left.name}, {right.name}, {more}, {op.out.name}"
            yield self.call(WINDOW_PRODUCTS[op.form], self.team, blocks(image), f"&{windows}", width, arrays)

    def patch_product(self, op: PatchProduct) -> str:
        """A convolution of patches."""
        arrays = [f"{b.name}, {_each(b)}" if b.layout.places else b.name for b in (op.left, op.right)]
        if op.form is Form.TRANSPOSED_TIMES:
            samples = "at->rows" if op.left.batched or op.right.batched else "1"
            arrays.append(self._more(op.out))
        else:
            samples = "at->rows" if op.out.batched else "1"
        patches, sizes = f"&{self.tables.of_patches(op.patches)}", f"{op.inside}, {op.outside}"
        return self.call(PATCH_PRODUCTS[op.form], self.team, samples, patches, sizes, *arrays, op.out.name)

    def _more(self, out: Buffer) -> str:
        """Whether there is something to add to: what earlier tiles have summed."""
        return "at->beta != 0" if self.in_tile and not out.batched else "0"


def _each(b: Buffer) -> int:
    """The numbers of a sample; 0 if all have the same."""
    return b.layout.count * (b.tangents or 1) if b.batched else 0
