"""Which functions of the C runtime a module has: those that its sections call, and what these need in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from smgen.targets.c.closure import closure

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "times": ("is_small",),
    "times_transposed": ("is_small",),
    "transposed_times": ("is_small",),
    "gram_of_columns": ("gram",),
    "gram_of_rows": ("gram",),
    "gram": ("is_small",),
    "is_small": ("small_product",),
    "each_product": ("is_small",),
    "windows_times": ("rows_product",),
    "windows_transposed_times": ("rows_product",),
    "times_folded": ("rows_product",),
    "patches_times": ("rows_product",),
    "times_patches": ("rows_product",),
    "patches_transposed_times": ("rows_product",),
}
"""What functions of the runtime call; the driver's own needs are always there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """For each function of templates/c/runtime.c.j2 that a module may do without, whether it is there."""

    small_product: bool
    is_small: bool
    times: bool
    times_transposed: bool
    transposed_times: bool
    gram: bool
    gram_of_columns: bool
    gram_of_rows: bool
    add_rows: bool
    add_matrices: bool
    row_sums: bool
    column_sums: bool
    put: bool
    fill: bool
    identity: bool
    transpose: bool
    permute: bool
    sum_axis: bool
    repeat_axis: bool
    pick_axis: bool
    put_axis: bool
    mix_axis: bool
    greatest: bool
    each_product: bool
    read_windows: bool
    add_windows: bool
    windows_times: bool
    windows_transposed_times: bool
    times_folded: bool
    rows_product: bool
    patches_times: bool
    times_patches: bool
    patches_transposed_times: bool

    @property
    def places(self) -> bool:
        """Whether parts of a concatenation are put into place."""
        return self.put or self.fill

    @property
    def windows(self) -> bool:
        """Whether there are windows over images."""
        return self.read_windows or self.add_windows or self.rows_product

    @property
    def window_products(self) -> bool:
        """Whether there are products with windows."""
        return self.windows_times or self.windows_transposed_times or self.times_folded

    @property
    def patch_products(self) -> bool:
        """Whether there are convolutions of patches."""
        return self.patches_times or self.times_patches or self.patches_transposed_times

    @property
    def moves(self) -> bool:
        """Whether numbers are moved by rows."""
        return any(getattr(self, name) for name in MOVES)


def runtime(calls: Iterable[str]) -> Runtime:
    """The runtime of sections that make these calls."""
    names = [field.name for field in fields(Runtime)]
    needed = closure(calls, {name: NEEDS.get(name, ()) for name in names})
    return Runtime(**{name: name in needed for name in names})


MOVES: Final = frozenset({
    "permute", "sum_axis", "repeat_axis", "pick_axis", "put_axis", "mix_axis", "greatest", "each_product",
    "read_windows", "add_windows", "windows_times", "windows_transposed_times", "times_folded", "rows_product",
    "patches_times", "times_patches", "patches_transposed_times",
})  # fmt: skip
"""The functions that modules of networks without tensors have no use for."""
