"""The table of backends. A backend is one printer, its templates, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from smgen.backends import cuda, numpy
from smgen.backends.facts import Facts
from smgen.ir import Schedule


@dataclass(frozen=True, slots=True)
class Backend:
    """How schedules become a module's source, and the template that its fingerprint is taken of."""

    emit: Callable[[Facts, tuple[Schedule, ...]], str]
    template: str
    summary: str


BACKENDS: Final[Mapping[str, Backend]] = {
    "numpy": Backend(numpy.emit, numpy.TEMPLATE, "one module that needs NumPy alone"),
    "cuda": Backend(cuda.emit, cuda.TEMPLATE, "a CuPy module with its CUDA kernels, and cuBLAS"),
}

DTYPES: Final = ("float32", "float64")
