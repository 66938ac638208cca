"""CUDA C to PTX and to a cubin with NVRTC and CuPy's own options; needs a wheel, neither a GPU nor a driver."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from tests.targets.cuda.toolchain import wheels

ARCHITECTURES: Final = ("sm_75", "sm_80", "sm_90", "sm_100", "sm_120")
VOLTA: Final = "sm_70"  # the CUDA 12 toolkit is the last that knows it
MODULE_OPTIONS: Final = ("--std=c++17",)

_DISTRIBUTIONS: Final = {13: "nvidia-cuda-nvrtc", 12: "nvidia-cuda-nvrtc-cu12"}
_LIBRARY: Final = r"libnvrtc\.so\.\d+"
_INFORMATION: Final = "--ptxas-options=-v"


class CompilationFailed(Exception):
    """NVRTC refused the source; the message is its log."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One source for one architecture. `log` is all that NVRTC printed."""

    architecture: str
    options: tuple[str, ...]
    ptx: str
    cubin: bytes
    log: str

    @property
    def information(self) -> tuple[str, ...]:
        """What ptxas tells of registers and spills, asked for with its option -v."""
        return tuple(line for line in self.log.splitlines() if _is_information(line))

    @property
    def spills(self) -> dict[str, int]:
        """By function: bytes of registers that ptxas stores to local memory for want of room."""
        properties = r"Function properties for (\S+)\n.*?(\d+) bytes spill stores"
        return {name: int(size) for name, size in re.findall(properties, self.log)}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every other line of the log: warnings and the source lines that NVRTC quotes for them."""
        return tuple(line for line in self.log.splitlines() if line.strip() and not _is_information(line))


def available(toolkit: int = 13) -> wheels.Availability:
    """Whether the NVRTC of a CUDA toolkit is installed; its reason where it is not."""
    return wheels.availability(_DISTRIBUTIONS[toolkit], _LIBRARY)


def folders() -> tuple[str, ...]:
    """Where the installed libraries lie, for programs that look for them by LD_LIBRARY_PATH."""
    paths = (wheels.find(distribution, _LIBRARY) for distribution in _DISTRIBUTIONS.values())
    return tuple(str(path.parent) for path in paths if isinstance(path, Path))


def cupy_options(options: tuple[str, ...], architecture: str) -> tuple[str, ...]:
    """What CuPy hands to NVRTC for `RawModule(options=options)`, except for its -I options.

    A test holds this list to the installed CuPy. CuPy's own come last and win: `-ftz=false` among `options` is lost.
    Without `--std` among `options`, CuPy's releases differ in the one that they choose.
    """
    return (*options, "-ftz=true", f"-arch={architecture}", "--device-as-default-execution-space")


@lru_cache(maxsize=256)
def compile_cuda(
    source: str, architecture: str, options: tuple[str, ...] = MODULE_OPTIONS, toolkit: int = 13
) -> Compiled:
    """PTX, cubin and log of `source`; raises `CompilationFailed` with the log where NVRTC finds an error."""
    library = _library(toolkit)
    everything = (*cupy_options(options, architecture), _INFORMATION)
    program = ctypes.c_void_p()
    _check(
        library,
        library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None),
    )
    try:
        arguments = (ctypes.c_char_p * len(everything))(*(option.encode() for option in everything))
        status = library.nvrtcCompileProgram(program, len(everything), arguments)
        log = _text(library, library.nvrtcGetProgramLogSize, library.nvrtcGetProgramLog, program).decode()
        if status:
            raise CompilationFailed(log or library.nvrtcGetErrorString(status).decode())
        ptx = _text(library, library.nvrtcGetPTXSize, library.nvrtcGetPTX, program).decode()
        cubin = _buffer(library, library.nvrtcGetCUBINSize, library.nvrtcGetCUBIN, program)
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))
    return Compiled(architecture, everything, ptx, cubin, log)


def version(toolkit: int = 13) -> tuple[int, int]:
    library = _library(toolkit)
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library, library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def architectures(toolkit: int = 13) -> tuple[str, ...]:
    """Every architecture that this NVRTC compiles for."""
    library = _library(toolkit)
    count = ctypes.c_int()
    _check(library, library.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
    numbers = (ctypes.c_int * count.value)()
    _check(library, library.nvrtcGetSupportedArchs(numbers))
    return tuple(f"sm_{number}" for number in numbers)


def _is_information(line: str) -> bool:
    """The line that follows "Function properties for" begins with blanks, in newer releases with "ptxas" and a dot."""
    return line.startswith("ptxas info") or bool(re.match(r"(ptxas\s+\.)?\s+\d+ bytes stack frame", line))


@cache
def _library(toolkit: int) -> ctypes.CDLL:
    library = ctypes.CDLL(str(wheels.require(_DISTRIBUTIONS[toolkit], _LIBRARY)))
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library


def _check(library: ctypes.CDLL, status: int) -> None:
    if status:
        raise RuntimeError(f"NVRTC: {library.nvrtcGetErrorString(status).decode()}")


def _buffer(
    library: ctypes.CDLL, size_of: Callable[..., int], get: Callable[..., int], program: ctypes.c_void_p
) -> bytes:
    size = ctypes.c_size_t()
    _check(library, size_of(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    _check(library, get(program, buffer))
    return buffer.raw


def _text(
    library: ctypes.CDLL, size_of: Callable[..., int], get: Callable[..., int], program: ctypes.c_void_p
) -> bytes:
    return _buffer(library, size_of, get, program).rstrip(b"\0")
