"""The names of arrays in loops: their roles, `delta` for `delta_filters`, so that layers and functions share loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from smgen.errors import InternalError
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

    def add(self, base: str, make: Callable[[str], K]) -> K:
        """The item that equals `make(name)` for a name `base`, `base_2`, …; it is added if there is none."""
        for count in range(1, 100_000):
            thing = make(base if count == 1 else f"{base}_{count}")
            if self.by_name.setdefault(thing.name, thing) == thing:
                return self.by_name[thing.name]
        raise InternalError(f"too many loops called {base}")
