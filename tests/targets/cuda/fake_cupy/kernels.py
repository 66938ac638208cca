"""The stand-in's RawModule and RawKernel: launches as CuPy makes them, on whatever runs kernels in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np

from tests.targets.cuda.emulator.signatures import Parameter
from tests.targets.cuda.fake_cupy.arguments import check_fences, unpack
from tests.targets.cuda.fake_cupy.counters import fault, launched, looked_up


class Runner(Protocol):
    """Runs the kernels of one CUDA C source on the CPU; the emulator is one."""

    @property
    def kernels(self) -> Mapping[str, Sequence[Parameter]]:
        """By name: the parameters in order."""

    def launch(self, name: str, grid: Sequence[int], block: Sequence[int], args: Sequence[object]) -> object:
        """NumPy arrays (`Strided` if not contiguous) for pointers, NumPy scalars of exactly the type for the rest."""


MakeRunner = Callable[[str], Runner]


class CUDARuntimeError(RuntimeError):
    """As `cupy.cuda.runtime.CUDARuntimeError`."""


class CUDADriverError(RuntimeError):
    """As CuPy's, for a kernel name that the module does not hold."""


class RawKernel:
    """A kernel of a RawModule. The launch is counted once it has run."""

    def __init__(self, runner: Runner, name: str) -> None:
        self._runner = runner
        self._parameters = runner.kernels[name]
        self.name = name

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        args: Sequence[object],
        *,
        shared_mem: int = 0,
        stream: None = None,
    ) -> None:
        if shared_mem or stream is not None:
            raise NotImplementedError("the stand-in knows neither dynamic shared memory nor streams")
        full_grid, full_block = _dimensions(self.name, "grid", grid), _dimensions(self.name, "block", block)
        self._runner.launch(self.name, full_grid, full_block, unpack(self.name, self._parameters, args))
        check_fences(self.name, args)
        launched(self.name, grid, block)


class RawModule:
    """As in CuPy, nothing is compiled before the first `get_function`, and that needs a device."""

    make_runner: ClassVar[MakeRunner]
    devices: ClassVar[int]

    def __init__(self, *, code: str, options: tuple[str, ...] = (), backend: str = "nvrtc") -> None:
        if not isinstance(code, str) or not isinstance(options, tuple):
            raise TypeError("RawModule: code must be a str and options a tuple")
        if backend != "nvrtc":
            raise NotImplementedError(f"the stand-in knows no RawModule with backend {backend!r}")
        self.code = code
        self.options = options
        self._runner: Runner | None = None

    def get_function(self, name: str) -> RawKernel:
        require_device(self.devices)
        looked_up(name)
        if self._runner is None:
            self._runner = type(self).make_runner(self.code)
        if name not in self._runner.kernels:
            raise CUDADriverError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}")
        return RawKernel(self._runner, name)


def require_device(devices: int) -> None:
    if not devices:
        raise CUDARuntimeError(
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
        )


def _dimensions(kernel: str, what: str, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Three sizes. CuPy makes 1 of a size below 1, which launches a block where none was meant."""
    if not isinstance(sizes, tuple) or not all(isinstance(size, (int, np.integer)) for size in sizes):
        raise TypeError(f"{kernel}: {what} {sizes!r} must be a tuple of integers")
    if any(size < 1 for size in sizes):
        fault(f"{kernel}: {what} {sizes} is empty; CuPy would launch one")
    return tuple(max(1, int(size)) for size in (*sizes, 1, 1)[:3])
