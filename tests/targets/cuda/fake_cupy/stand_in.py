"""A strict stand-in for the few CuPy names that the emitted modules use; `install` puts it in CuPy's place.

Arrays live in NumPy memory, kernels run on whatever `install` is given, and every launch, product, allocation and
synchronisation is counted. Names outside the list do not exist. What CuPy refuses is refused with CuPy's exception
types; what CuPy accepts and a GPU would get wrong, or slow, raises `HostFault`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from tests.targets.cuda.fake_cupy import kernels
from tests.targets.cuda.fake_cupy.array import host_of, ndarray, new
from tests.targets.cuda.fake_cupy.counters import (
    Counters,
    HostFault,
    Launch,
    Product,
    allow_sync,
    counting,
    lenient,
    synchronised,
)
from tests.targets.cuda.fake_cupy.kernels import CUDADriverError, CUDARuntimeError, MakeRunner, RawModule
from tests.targets.cuda.fake_cupy.matmul import matmul

__all__ = [
    "CUDADriverError",
    "CUDARuntimeError",
    "Counters",
    "FakeCuPy",
    "HostFault",
    "Launch",
    "Product",
    "absent",
    "allow_sync",
    "counting",
    "host_of",
    "install",
    "lenient",
    "ndarray",
]


class _Names:
    """A namespace that says which name it lacks."""

    def __init__(self, path: str, **names: object) -> None:
        self.__dict__.update(names)
        self._path = path

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self._path}.{name} is not among the CuPy names that the emitted modules may use")


class Generator:
    """`cupy.random.Generator`: its numbers are other ones than CuPy's."""

    def __init__(self, cupy: FakeCuPy, seed: int | None) -> None:
        self._cupy, self._rng = cupy, np.random.default_rng(seed)

    def standard_normal(self, size: tuple[int, ...], dtype: npt.DTypeLike = float) -> ndarray:
        return self._cupy.asarray(self._rng.standard_normal(size).astype(dtype))

    def random(self, size: tuple[int, ...]) -> ndarray:
        return self._cupy.asarray(self._rng.random(size))

    def integers(self, low: int, high: int, size: tuple[int, ...], dtype: npt.DTypeLike = int) -> ndarray:
        return self._cupy.asarray(self._rng.integers(low, high, size, dtype))


class FakeCuPy(ModuleType):
    """The module that `import cupy` yields."""

    def __init__(self, make_runner: MakeRunner, devices: int) -> None:
        super().__init__("cupy")
        names = {"make_runner": staticmethod(make_runner), "devices": devices}
        self.RawModule: type[RawModule] = type("RawModule", (RawModule,), names)
        self.__version__ = "14.2.0"
        self.ndarray = ndarray
        self.float32 = np.float32
        self.float64 = np.float64
        self.matmul = matmul
        self.cuda: Any = _cuda(devices)
        self.random = _Names("cupy.random", default_rng=lambda seed=None: Generator(self, seed))
        self._devices = devices

    def empty(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> ndarray:
        """Filled with NaN: what is read before it is written shows."""
        kernels.require_device(self._devices)
        return new(_shape(shape), dtype, "empty")

    def zeros(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> ndarray:
        kernels.require_device(self._devices)
        array = new(_shape(shape), dtype, "zeros")
        host_of(array)[...] = 0
        return array

    def ones(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> ndarray:
        kernels.require_device(self._devices)
        array = new(_shape(shape), dtype, "ones")
        host_of(array)[...] = 1
        return array

    def ones_like(self, a: ndarray) -> ndarray:
        return self.ones(a.shape, a.dtype)

    def asarray(self, a: Any, dtype: npt.DTypeLike | None = None) -> ndarray:
        """A device array as it is, unless its dtype must change; anything else copied to the device."""
        kernels.require_device(self._devices)
        if isinstance(a, ndarray):
            return a if dtype is None else a.astype(dtype, copy=False)
        host = np.asarray(a, dtype)
        array = new(host.shape, host.dtype, "asarray")
        host_of(array)[...] = host
        return array

    def asnumpy(self, a: Any) -> npt.NDArray[Any]:
        """A copy on the host, which waits for the device; a host array as it is."""
        if not isinstance(a, ndarray):
            return np.asarray(a)
        synchronised("asnumpy")
        return host_of(a).copy()

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cupy.{name} is not among the CuPy names that the emitted modules may use")


@contextmanager
def install(make_runner: MakeRunner, *, devices: int = 1) -> Iterator[FakeCuPy]:
    """Inside, `import cupy` yields the stand-in; `make_runner(source)` gives what runs the kernels of a RawModule.

    With `devices=0`, CuPy is there and finds no driver.
    """
    fake = FakeCuPy(make_runner, devices)
    with _replaced(fake):
        yield fake


@contextmanager
def absent() -> Iterator[None]:
    """Inside, `import cupy` fails as where CuPy is not installed."""
    with _replaced(None):
        yield


@contextmanager
def _replaced(module: ModuleType | None) -> Iterator[None]:
    modules: dict[str, Any] = sys.modules
    missing = object()
    before = modules.get("cupy", missing)
    modules["cupy"] = module
    try:
        yield
    finally:
        del modules["cupy"]
        if before is not missing:
            modules["cupy"] = before


def _shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(shape) if isinstance(shape, tuple) else (shape,)


def _cuda(devices: int) -> _Names:
    class Device:
        """The only device."""

        compute_capability = "90"

        def __init__(self, device: int = 0) -> None:
            kernels.require_device(devices)
            self.id = device

        @property
        def attributes(self) -> dict[str, int]:
            return {"MultiProcessorCount": 132}

        def synchronize(self) -> None:
            synchronised("Device.synchronize")

    def device_count() -> int:
        kernels.require_device(devices)
        return devices

    return _Names(
        "cupy.cuda",
        Device=Device,
        is_available=lambda: device_count() > 0,  # CuPy 13 raises as well where there is no driver; 14 says False
        runtime=_Names(
            "cupy.cuda.runtime",
            getDeviceCount=device_count,
            memGetInfo=lambda: (1 << 34, 1 << 36),
            CUDARuntimeError=CUDARuntimeError,
        ),
    )
