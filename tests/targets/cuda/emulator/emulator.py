"""CUDA C on the CPU: the text that a GPU would get, compiled as C++ and launched over a grid.

Blocks run one after the other. A kernel whose threads never meet runs them in a loop; otherwise each thread is a fiber
that runs until it waits at a barrier or a shuffle. Blocks, and the threads of each, go in the order asked for, and
shared memory is full of NaN when a block starts, so that a result that depends on chance on a GPU changes with the
order here. Sanitized kernels run in a program of their own, on buffers allocated to exactly their size.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal

from tests.targets.cuda.emulator.arguments import Argument, LaunchError, Strided, check, dimensions
from tests.targets.cuda.emulator.compiled import CompileError, Sanitize, compiled
from tests.targets.cuda.emulator.signatures import Kernel, Parameter, kernels_of

__all__ = ["CompileError", "Emulator", "KernelError", "LaunchError", "Parameter", "SanitizerError", "Strided"]

Order = Literal["forward", "reverse", "shuffled"]
ORDERS: Final[tuple[Order, ...]] = ("forward", "reverse", "shuffled")

_OPTIONS: Final = {
    "ASAN_OPTIONS": "detect_leaks=0:exitcode=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=66:history_size=0",
}


class KernelError(Exception):
    """The kernel did what a GPU leaves undefined: threads that wait for others in vain, a wrong mask."""


class SanitizerError(KernelError):
    """A sanitizer stopped the kernel; the message is its report."""


class Emulator:
    """A kernel file, ready to launch.

    `launch` raises LaunchError before anything runs, KernelError or SanitizerError if the kernel goes wrong.
    """

    def __init__(
        self,
        source: str,
        *,
        order: Order = "forward",
        seed: int = 0,
        sanitize: Sanitize | None = None,
        fma: bool = False,
    ) -> None:
        """`fma` contracts products and sums as NVRTC does; without it, results are those of plain IEEE arithmetic."""
        self._kernels = kernels_of(source)
        self._source, self._sanitize, self._fma = source, sanitize, fma
        self._order_and_seed = (ORDERS.index(order), seed)

    @property
    def kernels(self) -> Mapping[str, Sequence[Parameter]]:
        """Parameters of each kernel, in order, as the text declares them."""
        return {name: list(kernel.parameters) for name, kernel in self._kernels.items()}

    def launch(self, name: str, grid: Sequence[int], block: Sequence[int], args: Sequence[object]) -> None:
        """Run a kernel over a grid; arrays are passed as pointers and written in place."""
        if name not in self._kernels:
            raise LaunchError(f"there is no kernel {name}; there are {', '.join(sorted(self._kernels))}")
        kernel = self._kernels[name]
        shape = dimensions("grid", grid) + dimensions("block", block)
        if (threads := shape[3] * shape[4] * shape[5]) > kernel.max_threads:
            raise LaunchError(f"{name}: a block of {threads} threads; at most {kernel.max_threads} are possible")
        launch = struct.pack("<8I", *shape, *self._order_and_seed)
        arguments = check(kernel, args)
        binary = compiled(self._source, self._sanitize, self._fma)
        if self._sanitize is None:
            _call(binary, kernel, launch, arguments)
        else:
            _run_program(binary, kernel, launch, arguments)


@cache
def _library(binary: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(binary))


_used: list[Path] = []
"""The kernel file that ran last; the stacks of its threads stay for the next launch, those of others do not."""


def _call(binary: Path, kernel: Kernel, launch: bytes, arguments: list[Argument]) -> None:
    if _used != [binary]:
        for other in _used:
            _library(other).cuda_on_cpu_give_back()
        _used[:] = [binary]
    entry = getattr(_library(binary), f"launch_{kernel.name}")
    entry.restype = ctypes.c_char_p
    values = (ctypes.c_uint64 * len(arguments))(*(a.payload for a in arguments))
    base = ctypes.addressof(values)
    pointers = (ctypes.c_void_p * len(arguments))(*(base + 8 * k for k in range(len(arguments))))
    error = entry(ctypes.c_char_p(launch), pointers)
    if error is not None:
        raise KernelError(f"{kernel.name}: {error.decode()}")


def _run_program(binary: Path, kernel: Kernel, launch: bytes, arguments: list[Argument]) -> None:
    regions = _regions(arguments)
    chunks = [launch, struct.pack("<2Q", len(regions), len(arguments))]
    for low, high in regions:
        chunks += [struct.pack("<2Q", high - low, low % 16), ctypes.string_at(low, high - low)]
    for a in arguments:
        where = _region_of(a, regions) if a.parameter.is_pointer else -1
        chunks.append(struct.pack("<qQ", where, a.payload - regions[where][0] if where >= 0 else a.payload))
    with tempfile.TemporaryDirectory(prefix="cuda_on_cpu_") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(b"".join(chunks))
        _execute([str(binary), kernel.name, str(source), str(target)], kernel)
        result = target.read_bytes()
    written = {_region_of(a, regions) for a in arguments if a.parameter.is_written}
    start = 0
    for k, (low, high) in enumerate(regions):
        if k in written:
            ctypes.memmove(low, result[start : start + high - low], high - low)
        start += high - low


def _regions(arguments: list[Argument]) -> list[tuple[int, int]]:
    """The memory that pointers reach, as disjoint intervals: arrays that overlap share one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted((a.payload, a.payload + a.size) for a in arguments if a.parameter.is_pointer):
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _region_of(argument: Argument, regions: list[tuple[int, int]]) -> int:
    end = argument.payload + argument.size
    return next(k for k, (low, high) in enumerate(regions) if low <= argument.payload and end <= high)


def _execute(command: list[str], kernel: Kernel) -> None:
    environment = {**os.environ, **_OPTIONS}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if "unexpected memory mapping" in result.stderr and shutil.which("setarch"):
        # Older thread sanitizers can't live with all the randomness that a recent kernel puts into addresses.
        command = ["setarch", platform.machine(), "-R", *command]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode == 3:
        raise KernelError(f"{kernel.name}: {result.stderr.strip()}")
    if result.returncode != 0:
        raise SanitizerError(f"{kernel.name}: exit status {result.returncode}\n{result.stderr}")
