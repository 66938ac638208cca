"""The table of backends. A backend is one printer, its templates, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from smgen.backends import c, cuda, numpy
from smgen.backends.facts import Facts
from smgen.ir import Schedule


@dataclass(frozen=True, slots=True)
class Backend:
    """How schedules become the texts of a module's files, by extension, and the template that is fingerprinted.

    `standalone` are the files, by extension, that programs without Python take instead of the module.
    """

    emit: Callable[[Facts, tuple[Schedule, ...]], dict[str, str]]
    template: str
    summary: str
    standalone: tuple[str, ...] = ()


BACKENDS: Final[Mapping[str, Backend]] = {
    "numpy": Backend(numpy.emit, numpy.TEMPLATE, "one module that needs NumPy alone"),
    "c": Backend(c.emit, c.TEMPLATE, "a NumPy module with C in it, which the system's compiler compiles", (".c", ".h")),
    "cuda": Backend(cuda.emit, cuda.TEMPLATE, "a CuPy module with its CUDA kernels, and cuBLAS"),
}

DTYPES: Final = ("float32", "float64")
