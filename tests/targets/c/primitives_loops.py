"""Loops over the functions of templates/c/primitives.h, compiled and loaded."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.render import plain
from smgen.targets.c.primitives import sections

Array = npt.NDArray[Any]

BOUNDS: Final = {"exp": 1.1, "expm1": 2.2, "log": 1.0, "log1p": 1.8, "tanh": 2.8, "erf": 2.2, "erfcx": 2.9}
"""The largest error of each function in units in the last place of the exact result, in either dtype."""

REAL: Final[dict[str, tuple[str, type[np.floating[Any]]]]] = {"f": ("float", np.float32), "": ("double", np.float64)}

COMPILER: Final = shutil.which("cc")

LENIENT: Final = ("-std=gnu11", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math")
BUILDS: Final = {
    "fused": (*LENIENT, "-O3", "-march=native", "-ffp-contract=fast"),
    "separate": (*LENIENT, "-O3", "-march=native", "-ffp-contract=off"),
    "baseline": (*LENIENT, "-O2"),
}
"""Options of the compiler: multiply-adds rounded once or twice, and no processor in particular."""


def loop(name: str, real: str, expression: str) -> str:
    """A C function that evaluates an expression in x for every number of an array."""
    return f"""
void loop_{name}(const {real} *numbers, {real} *values, long n)
{{
#pragma omp simd
    for (long i = 0; i < n; i++) {{
        const {real} x = numbers[i];
        values[i] = {expression};
    }}
}}
"""


def calls(names: Iterable[tuple[str, str]]) -> str:
    """Loops over functions, each named by its double one and a suffix."""
    return "".join(loop(name + suffix, REAL[suffix][0], f"simd_{name}{suffix}(x)") for name, suffix in names)


def program(loops: str) -> str:
    """Loops with the sections they need and no others."""
    return f"#include <math.h>\n#include <stdint.h>\n\n{sections(plain('c/primitives.h'), loops)}\n{loops}"


def compiled(folder: Path, text: str, *options: str) -> tuple[Path, str]:
    """The library of a program and what the compiler had to say."""
    source, library = folder / "loops.c", folder / "loops.so"
    source.write_text(text, encoding="utf-8")
    command = [str(COMPILER), *options, "-shared", "-fPIC", str(source), "-o", str(library), "-lm"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return library, result.stderr


def evaluate(library: ctypes.CDLL, name: str, suffix: str, x: Array) -> Array:
    """A function's values at every number of x."""
    x = np.ascontiguousarray(x, REAL[suffix][1])
    values = np.empty_like(x)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in (x, values))
    library[f"loop_{name}{suffix}"](*pointers, ctypes.c_long(x.size))
    return values
