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

    @property
    def places(self) -> bool:
        """Whether parts of a concatenation are put into place."""
        return self.put or self.fill


def runtime(calls: Iterable[str]) -> Runtime:
    """The runtime of sections that make these calls."""
    names = [field.name for field in fields(Runtime)]
    needed = closure(calls, {name: NEEDS.get(name, ()) for name in names})
    return Runtime(**{name: name in needed for name in names})


def whole_runtime() -> Runtime:
    """All of it."""
    return runtime(field.name for field in fields(Runtime))
