"""What PTX says of a kernel: the global memory it touches, parameter by parameter, and its float64 instructions."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

_ENTRY: Final = re.compile(r"^\.(?:visible |weak )?\.?(?:entry|func)\b[^(]*?([A-Za-z_$][\w$]*)\(", re.MULTILINE)
_ACCESS: Final = re.compile(r"\b(ld|st|atom|red)\.(?:\w+\.)*?global((?:\.\w+|::\w+)*)\s+(.*);")
_DEFINITION: Final = re.compile(r"^\s*(?:@!?%p\d+\s+)?([a-z][\w.:]*)\s+(%rd\d+),\s*(.*);", re.MULTILINE)
_FLOAT64: Final = re.compile(r"^\s*((?:@!?%p\d+\s+)?[a-z][\w.]*\.f64\b.*;)", re.MULTILINE)
_PARAMETER: Final = re.compile(r"_param_(\d+)\b")
_ADDRESS: Final = re.compile(r"\[(%rd\d+)")

Kind = Literal["load", "store", "atomic"]

_KINDS: Final[dict[str, Kind]] = {"ld": "load", "st": "store", "atom": "atomic", "red": "atomic"}


@dataclass(frozen=True, slots=True)
class Access:
    """One instruction. `parameter` is the index of the kernel parameter that the address comes from, if only one."""

    kind: Kind
    bytes: int
    parameter: int | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that one thread moves in one pass through every access of a kernel, by parameter index.

    A loop counts once for each copy that the compiler unrolled it into: compare parameters with each other then.
    """

    loads: Mapping[int | None, int]
    stores: Mapping[int | None, int]

    @property
    def loaded(self) -> int:
        return sum(self.loads.values())

    @property
    def stored(self) -> int:
        return sum(self.stores.values())


def accesses(ptx: str) -> dict[str, tuple[Access, ...]]:
    """By kernel name, in the order of the text."""
    return {name: tuple(_accesses(body)) for name, body in _bodies(ptx).items()}


def traffic(ptx: str) -> dict[str, Traffic]:
    found = {}
    for name, every in accesses(ptx).items():
        loads: Counter[int | None] = Counter()
        stores: Counter[int | None] = Counter()
        for access in every:
            (loads if access.kind == "load" else stores)[access.parameter] += access.bytes
        found[name] = Traffic(loads, stores)
    return found


def float64(ptx: str) -> dict[str, tuple[str, ...]]:
    """By kernel name: the instructions with an f64 operand, loads and stores included."""
    return {name: tuple(match[1] for match in _FLOAT64.finditer(body)) for name, body in _bodies(ptx).items()}


def _bodies(ptx: str) -> dict[str, str]:
    starts = list(_ENTRY.finditer(ptx))
    ends = [match.start() for match in starts[1:]] + [len(ptx)]
    return {match[1]: ptx[match.end() : end] for match, end in zip(starts, ends, strict=True)}


def _accesses(body: str) -> list[Access]:
    origins = _origins(body)
    found = []
    for match in _ACCESS.finditer(body):
        operation, modifiers, operands = match.groups()
        address = _ADDRESS.search(operands)
        origin = origins[address[1]] if address else set[int]()
        parameter = next(iter(origin)) if len(origin) == 1 else None
        found.append(Access(_KINDS[operation], _size(modifiers), parameter))
    return found


def _size(modifiers: str) -> int:
    vector = re.search(r"\.v(\d)\b", modifiers)
    element = re.search(r"\.[bfsu](\d+)$", modifiers)
    if element is None:
        raise ValueError(f"no element type in {modifiers}")
    return (int(vector[1]) if vector else 1) * int(element[1]) // 8


def _origins(body: str) -> defaultdict[str, set[int]]:
    """For every 64-bit register, the parameters whose value flows into it through arithmetic."""
    origins: defaultdict[str, set[int]] = defaultdict(set)
    definitions = [match.groups() for match in _DEFINITION.finditer(body)]
    changed = True
    while changed:
        changed = False
        for operation, target, operands in definitions:
            if operation.startswith("ld.param"):
                sources = {int(index) for index in _PARAMETER.findall(operands)}
            elif operation.startswith("ld."):
                sources = set()
            else:
                sources = set().union(*(origins[register] for register in re.findall(r"%rd\d+", operands)))
            if not sources <= origins[target]:
                origins[target] |= sources
                changed = True
    return origins
