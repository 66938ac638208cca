"""What the stand-in for CuPy counts, and what it lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple


class HostFault(AssertionError):
    """Host code that CuPy would accept and that is wrong or slow on a GPU. What CuPy refuses raises CuPy's own type."""


class Launch(NamedTuple):
    name: str
    grid: tuple[int, ...]
    block: tuple[int, ...]


class Product(NamedTuple):
    """A matrix product (rows, inner) · (inner, columns); a vector is a row on the left, a column on the right."""

    rows: int
    inner: int
    columns: int


@dataclass(slots=True)
class Counters:
    """In order of occurrence. An allocation or a synchronisation is the sentence that says where it came from."""

    launches: list[Launch] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    allocations: list[str] = field(default_factory=list)
    synchronisations: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)  # kernels asked for by name


@dataclass(slots=True)
class _State:
    counters: list[Counters] = field(default_factory=list)
    synchronising: int = 0
    lenient: int = 0


_STATE = _State()


@contextmanager
def counting() -> Iterator[Counters]:
    """Counts what happens inside; nests."""
    counters = Counters()
    _STATE.counters.append(counters)
    try:
        yield counters
    finally:
        _STATE.counters[:] = [other for other in _STATE.counters if other is not counters]


@contextmanager
def allow_sync() -> Iterator[None]:
    """Inside, float(), int(), bool() and iteration bring values to the host; they are counted all the same."""
    _STATE.synchronising += 1
    try:
        yield
    finally:
        _STATE.synchronising -= 1


@contextmanager
def lenient() -> Iterator[None]:
    """Inside, what only costs time or corrupts numbers is done as CuPy does it, and counted, instead of raising."""
    _STATE.lenient += 1
    try:
        yield
    finally:
        _STATE.lenient -= 1


def is_lenient() -> bool:
    return _STATE.lenient > 0


def fault(reason: str) -> None:
    """Raises, except under `lenient`."""
    if not is_lenient():
        raise HostFault(reason)


def launched(name: str, grid: tuple[int, ...], block: tuple[int, ...]) -> None:
    for counters in _STATE.counters:
        counters.launches.append(Launch(name, grid, block))


def multiplied(product: Product) -> None:
    for counters in _STATE.counters:
        counters.products.append(product)


def allocated(reason: str) -> None:
    for counters in _STATE.counters:
        counters.allocations.append(reason)


def synchronised(reason: str) -> None:
    for counters in _STATE.counters:
        counters.synchronisations.append(reason)


def synchronised_implicitly(reason: str) -> None:
    """Counts, and raises unless under `allow_sync`."""
    synchronised(reason)
    if not _STATE.synchronising:
        raise HostFault(f"{reason} waits for the device; inside `with allow_sync():` it may")


def looked_up(name: str) -> None:
    for counters in _STATE.counters:
        counters.lookups.append(name)
