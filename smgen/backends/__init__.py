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

    `beside` are the files that the module needs beside it, by extension.
    """

    emit: Callable[[Facts, tuple[Schedule, ...]], dict[str, str]]
    template: str
    summary: str
    beside: tuple[str, ...] = ()


BACKENDS: Final[Mapping[str, Backend]] = {
    "numpy": Backend(numpy.emit, numpy.TEMPLATE, "one module that needs NumPy alone"),
    "c": Backend(
        c.emit, c.TEMPLATE, "a C file, and a NumPy module that compiles it with the system's compiler", (".c",)
    ),
    "cuda": Backend(cuda.emit, cuda.TEMPLATE, "a CuPy module with its CUDA kernels, and cuBLAS"),
}

DTYPES: Final = ("float32", "float64")
