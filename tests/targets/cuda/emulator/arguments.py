"""The strict check of a launch: CuPy checks neither the number nor the types of what it passes to a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.targets.cuda.emulator.signatures import Kernel, Parameter

Array = npt.NDArray[Any]
LIMITS = {"grid": (2**31 - 1, 65535, 65535), "block": (1024, 1024, 64)}


class LaunchError(Exception):
    """The launch would be wrong, or is not possible, on a device."""


@dataclass(frozen=True, slots=True)
class Strided:
    """An array passed by its address alone, strides and all: the kernel is told of them in another argument."""

    array: Array


@dataclass(frozen=True, slots=True)
class Argument:
    """`payload` is an address or the bytes of a scalar; `size` is how far the memory at the address extends."""

    parameter: Parameter
    payload: int
    size: int


def dimensions(what: str, sizes: Sequence[int]) -> tuple[int, int, int]:
    """Three positive integers within CUDA's limits."""
    if not 1 <= len(sizes) <= 3 or any(type(n) is not int for n in sizes):
        raise LaunchError(f"{what} {sizes!r}: one to three Python integers are needed")
    x, y, z = (*sizes, 1, 1)[:3]
    if any(not 1 <= n <= limit for n, limit in zip((x, y, z), LIMITS[what], strict=True)):
        raise LaunchError(f"{what} {sizes!r}: each must lie between 1 and {LIMITS[what]}")
    return x, y, z


def check(kernel: Kernel, args: Sequence[object]) -> list[Argument]:
    """The arguments as the kernel will see them; LaunchError if one is not exactly what the signature says."""
    if len(args) != len(kernel.parameters):
        raise LaunchError(f"{kernel.name} takes {len(kernel.parameters)} arguments, {len(args)} given")
    pairs = list(zip(kernel.parameters, args, strict=True))
    arguments = [_pointer(kernel, p, arg) if p.is_pointer else _scalar(kernel, p, arg) for p, arg in pairs]
    pointers = [(p, arg.array if isinstance(arg, Strided) else arg) for p, arg in pairs if p.is_pointer]
    for (p, a), (q, b) in combinations(pointers, 2):
        if (p.is_written or q.is_written) and (p.restrict or q.restrict) and np.shares_memory(a, b):
            raise LaunchError(f"{kernel.name}: {p.name} and {q.name} overlap, one is written and one is __restrict__")
    return arguments


def _scalar(kernel: Kernel, parameter: Parameter, arg: object) -> Argument:
    if not isinstance(arg, np.generic) or arg.dtype != parameter.dtype:
        raise _mismatch(kernel, parameter, arg, f"np.{parameter.dtype}")
    return Argument(parameter, int.from_bytes(arg.tobytes(), "little"), 0)


def _pointer(kernel: Kernel, parameter: Parameter, arg: object) -> Argument:
    array = arg.array if isinstance(arg, Strided) else arg
    if not isinstance(array, np.ndarray) or array.dtype != parameter.dtype:
        raise _mismatch(kernel, parameter, arg, f"an array of {parameter.dtype}")
    if not isinstance(arg, Strided) and not array.flags.c_contiguous:
        raise LaunchError(f"{kernel.name}: {parameter.name} is not C-contiguous and not given as Strided(array)")
    if parameter.is_written and not array.flags.writeable:
        raise LaunchError(f"{kernel.name}: {parameter.name} is written, and the array is read-only")
    if any(step < 0 for step in array.strides):
        raise LaunchError(f"{kernel.name}: {parameter.name} has a negative stride")
    last = sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
    return Argument(parameter, array.ctypes.data, last + array.itemsize if array.size else 0)


def _mismatch(kernel: Kernel, parameter: Parameter, arg: object, wanted: str) -> LaunchError:
    dtype = f" of {arg.dtype}" if isinstance(arg, np.ndarray) else ""
    return LaunchError(
        f"{kernel.name}: {parameter.type} {parameter.name} needs {wanted}, {type(arg).__name__}{dtype} given"
    )
