"""Kernel arguments: packed as CuPy packs them, then read as the kernel's signature reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.targets.cuda.emulator.arguments import Strided
from tests.targets.cuda.emulator.signatures import Parameter
from tests.targets.cuda.fake_cupy.array import block_of, host_of, ndarray
from tests.targets.cuda.fake_cupy.counters import HostFault, fault


@dataclass(frozen=True, slots=True)
class Packed:
    """What the driver gets for one argument: a device pointer, or the bytes of a value."""

    array: ndarray | None
    dtype: np.dtype[Any]
    content: bytes

    def __str__(self) -> str:
        return str(self.dtype) if self.array is None else f"an array of {self.dtype}"


def pack(argument: object) -> Packed:
    """CuPy's rules: arrays by base pointer, Python numbers as 64-bit ones, NumPy scalars as they are."""
    if isinstance(argument, ndarray):
        return Packed(argument, argument.dtype, argument.data.ptr.to_bytes(8, "little"))
    if isinstance(argument, np.ndarray):
        if argument.size != 1:
            raise TypeError(f"a numpy.ndarray of shape {argument.shape} as a kernel argument; use asarray")
        return Packed(None, argument.dtype, argument.tobytes())
    value = _scalar(argument)
    return Packed(None, value.dtype, value.tobytes())


def unpack(kernel: str, parameters: Sequence[Parameter], arguments: Sequence[object]) -> list[object]:
    """NumPy arrays and scalars of exactly the parameters' types, to hand to whatever runs the kernel.

    An array keeps only its base pointer: `Strided` marks one whose strides the kernel does not learn from it. Raises
    where number or types differ from the signature; CuPy compares neither. Under `lenient` the bytes of a value are
    read as the parameter's type, as on the device.
    """
    if len(arguments) != len(parameters):
        raise HostFault(f"{kernel} takes {len(parameters)} arguments; {len(arguments)} passed")
    return [
        _read(f"argument {place} of {kernel}", pack(argument), parameter)
        for place, (argument, parameter) in enumerate(zip(arguments, parameters, strict=True), start=1)
    ]


def check_fences(kernel: str, arguments: Sequence[object]) -> None:
    """After a launch: nothing was written outside the blocks of the arrays passed."""
    for place, argument in enumerate(arguments, start=1):
        if isinstance(argument, ndarray) and not block_of(argument).is_intact:
            raise HostFault(f"{kernel} wrote outside the memory of argument {place} ({argument})")


def _scalar(argument: object) -> np.generic:
    match argument:
        case None:
            return np.uint64(0)
        case np.generic():
            return argument
        case bool():
            return np.bool_(argument)
        case int():
            return np.int64(argument) if argument < 2**63 else np.uint64(argument)
        case float():
            return np.float64(argument)
    raise TypeError(f"unsupported type {type(argument).__name__} as a kernel argument")


def _read(where: str, packed: Packed, parameter: Parameter) -> object:
    complaint = f"{where}: {packed} passed where {parameter.type} is expected (parameter {parameter.name})"
    if parameter.is_pointer != (packed.array is not None):
        raise HostFault(complaint)
    if packed.dtype != parameter.dtype:
        fault(complaint)
    if packed.array is not None:
        host = host_of(packed.array)
        host = host if host.dtype == parameter.dtype else block_of(packed.array).tail(host, parameter.dtype)
        return host if host.flags.c_contiguous else Strided(host)
    if len(packed.content) < parameter.dtype.itemsize:
        raise HostFault(complaint)  # the driver would read past the value
    return np.frombuffer(packed.content, parameter.dtype, 1)[0]
