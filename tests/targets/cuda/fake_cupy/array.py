"""The stand-in's `cupy.ndarray`: only what the emitted modules use, and views that behave as CuPy's do."""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType
from typing import Any, Final, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from tests.targets.cuda.fake_cupy.counters import fault, synchronised_implicitly
from tests.targets.cuda.fake_cupy.memory import Allocation, Host, allocate

Index = int | slice | EllipsisType | None
_INDEX: Final = (int, np.integer, slice, EllipsisType, type(None))


class Pointer(NamedTuple):
    """`.data`: CuPy's MemoryPointer, of which only the address is used."""

    ptr: int


class Flags(NamedTuple):
    c_contiguous: bool
    f_contiguous: bool


class ndarray:
    """A view of a block of device memory. Never made by its constructor: use `empty`, `zeros` or `asarray`."""

    __slots__ = ("_block", "_host")
    __array_ufunc__ = None  # NumPy's functions and operators then refuse it, as they refuse CuPy's
    __hash__ = None  # type: ignore[assignment]

    _block: Allocation
    _host: Host

    def __init__(self) -> None:
        raise TypeError("the stand-in has no ndarray(...); the emitted modules use empty, zeros and asarray")

    @classmethod
    def _view(cls, block: Allocation, host: Host) -> ndarray:
        array = cls.__new__(cls)
        array._block = block
        array._host = host
        return array

    @classmethod
    def _new(cls, shape: tuple[int, ...], dtype: npt.DTypeLike, reason: str) -> ndarray:
        return cls._view(*allocate(shape, dtype, reason))

    @property
    def shape(self) -> tuple[int, ...]:
        return self._host.shape

    @property
    def strides(self) -> tuple[int, ...]:
        return self._host.strides

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._host.dtype

    @property
    def ndim(self) -> int:
        return self._host.ndim

    @property
    def size(self) -> int:
        return self._host.size

    @property
    def itemsize(self) -> int:
        return self._host.itemsize

    @property
    def nbytes(self) -> int:
        return self._host.nbytes

    @property
    def flags(self) -> Flags:
        return Flags(self._host.flags.c_contiguous, self._host.flags.f_contiguous)

    @property
    def data(self) -> Pointer:
        return Pointer(self._host.ctypes.data)

    @property
    def T(self) -> ndarray:
        return self._view(self._block, self._host.T)

    def __len__(self) -> int:
        return len(self._host)

    def __getitem__(self, key: Index | tuple[Index, ...]) -> ndarray:
        keys = key if isinstance(key, tuple) else (key,)
        for part in keys:
            if isinstance(part, (bool, np.bool_)) or not isinstance(part, _INDEX):
                raise TypeError(f"index {part!r}: the stand-in has only integers, slices, None and ...: others copy")
        # The ellipsis keeps NumPy from turning a single element into a scalar; CuPy makes it a 0-d view.
        whole = keys if any(part is ... for part in keys) else (*keys, ...)
        return self._view(self._block, self._host[whole])

    def transpose(self, *axes: int) -> ndarray:
        return self._view(self._block, self._host.transpose(*axes))

    def reshape(self, *shape: int | tuple[int, ...]) -> ndarray:
        whole = shape[0] if len(shape) == 1 else shape
        host = self._host.reshape(cast("int | tuple[int, ...]", whole))
        if host.size and not np.may_share_memory(host, self._host):
            fault(f"reshape of strides {self.strides} from {self.shape} to {host.shape} copies")
            return self._copied(host, "copy for a reshape")
        return self._view(self._block, host)

    def astype(self, dtype: npt.DTypeLike, *, copy: bool = True) -> ndarray:
        if not copy and self.dtype == np.dtype(dtype):
            return self
        return self._copied(self._host.astype(dtype), "astype")

    def copy(self) -> ndarray:
        return self._copied(self._host, "copy")

    @classmethod
    def _copied(cls, host: Host, reason: str) -> ndarray:
        array = cls._new(host.shape, host.dtype, reason)
        array._host[...] = host
        return array

    def __float__(self) -> float:
        synchronised_implicitly("float() of a device array")
        return float(self._host.item())

    def __int__(self) -> int:
        synchronised_implicitly("int() of a device array")
        return int(self._host.item())

    def __index__(self) -> int:
        synchronised_implicitly("a device array as an index")
        return cast(int, self._host.item().__index__())

    def __bool__(self) -> bool:
        synchronised_implicitly("bool() of a device array")
        return bool(self._host)

    def __iter__(self) -> Iterator[ndarray]:
        synchronised_implicitly("iteration over a device array")
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError("implicit conversion of a device array to a NumPy array; use asnumpy")

    # What is given with the data is prepared by CuPy's own kernels, in new arrays; steps compute in the module's.

    def _computed(self, host: Any) -> ndarray:
        return self._copied(np.asarray(host), "elementwise")

    def __mul__(self, other: Any) -> ndarray:
        return self._computed(self._host * _operand(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> ndarray:
        return self._computed(self._host / _operand(other))

    def __rtruediv__(self, other: Any) -> ndarray:
        return self._computed(_operand(other) / self._host)

    def __rpow__(self, other: Any) -> ndarray:
        return self._computed(_operand(other) ** self._host)

    def __invert__(self) -> ndarray:
        return self._computed(~self._host)

    def sum(self) -> ndarray:
        return self._computed(self._host.sum())

    def max(self) -> ndarray:
        return self._computed(self._host.max())

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("the stand-in has no comparisons: their results would wait for the device")

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"ndarray.{name} is not among the CuPy names that the emitted modules may use")

    def __repr__(self) -> str:
        return f"<device array {self.shape} {self.dtype}>"


def _operand(other: Any) -> Any:
    """A number, or the memory of a device array; CuPy refuses host arrays."""
    if isinstance(other, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return other._host if isinstance(other, ndarray) else other


def host_of(array: ndarray) -> Host:
    """The memory behind an array, for the stand-in and its tests; no transfer is counted."""
    return array._host


def block_of(array: ndarray) -> Allocation:
    return array._block


def new(shape: tuple[int, ...], dtype: npt.DTypeLike, reason: str) -> ndarray:
    return ndarray._new(shape, dtype, reason)
