"""The names of arrays in loops: their roles, `delta` for `delta_filters`, so that layers and functions share loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, count
from typing import Final, Generic, Protocol, TypeVar

from smgen.ir import LAMBDA, SAMPLES, Buffer, Fused, names_in

SCALARS: Final = (LAMBDA.name, SAMPLES.name)
"""The arguments that are numbers. They keep their names."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of buffers in a loop, by their names in the schedule."""

    names: Mapping[str, str]

    def of(self, b: Buffer) -> str:
        """A buffer's name in the loop."""
        return self.names[b.name]


def roles(buffers: Iterable[Buffer]) -> Roles:
    """A name for each buffer: its role, with a number if several buffers have that role."""
    each = [b for b in dict.fromkeys(buffers) if b.name not in SCALARS]
    bases = [b.role or ("value" if b.shape else "total") for b in each]
    counts, seen = Counter(bases), Counter[str]()
    names: dict[str, str] = {name: name for name in SCALARS}
    taken = set(bases) | set(SCALARS)
    for b, base in zip(each, bases, strict=True):
        names[b.name] = base
        if counts[base] > 1:
            seen[base] += 1
            while f"{base}_{seen[base]}" in taken:
                seen[base] += 1
            names[b.name] = f"{base}_{seen[base]}"
    return Roles(names)


def of_loop(op: Fused) -> Roles:
    """The names in a fused loop, for the arrays it reads, its steps and its totals."""
    steps = [out for out, _ in op.steps]
    return roles([*arrays_read(op), *steps, *(total.out for total in op.totals)])


def arrays_read(op: Fused) -> list[Buffer]:
    """The arrays a loop reads, in the order of their first use: it is the same for loops with the same mathematics."""
    known = {b.name: b for b in op.reads if b.name not in SCALARS}
    place = {name: position for position, name in enumerate(known)}
    order: dict[str, Buffer] = {}
    for _, expr in op.steps:
        new = [known[name] for name in names_in(expr) & known.keys() - order.keys()]
        order |= {b.name: b for b in sorted(new, key=lambda b: (b.role, place[b.name]))}
    order |= {total.src.name: total.src for total in op.totals if total.src.name in known}
    return list(order.values())


def last_role(op: Fused, names: Roles) -> str:
    """The name of a loop: the role of its last result."""
    return names.of(op.outs[-1])


def scalars_read(op: Fused) -> list[str]:
    """The names of the arguments that a loop reads and that are numbers."""
    return [b.name for b in op.reads if b.name in SCALARS]


class Named(Protocol):
    """Something that is printed once, under its name."""

    @property
    def name(self) -> str:
        """The name."""


K = TypeVar("K", bound=Named)


class Shared(Generic[K]):
    """Loops and kernels that a module has once, by name, in the order of their first use."""

    def __init__(self) -> None:
        self.by_name: dict[str, K] = {}
        self._known: dict[tuple[str, K], K] = {}

    def add(self, base: str, make: Callable[[str], K]) -> K:
        """The item that `make` returns for the name `base`, or `base_2`, … where others have that name.

        What equals an earlier one but for the number is that one.
        """
        key = base, make(base)
        if key not in self._known:
            names = chain([base], (f"{base}_{number}" for number in count(2)))
            item = make(next(name for name in names if name not in self.by_name))
            self._known[key] = self.by_name[item.name] = item
        return self._known[key]
