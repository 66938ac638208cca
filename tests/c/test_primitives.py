"""The vectorisable functions of templates/c/primitives.h: errors in ulp, special values, and that they do vectorise."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

from smgen.printers.sections import sections
from smgen.render import plain

BOUNDS = {"exp": 1.1, "expm1": 1.8, "log": 0.8, "log1p": 0.8, "tanh": 2.5, "erf": 1.1, "erfcx": 3.9}
NUMPY: dict[str, Any] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": special.erf,
    "erfcx": special.erfcx,
}
REAL: dict[str, tuple[str, Any]] = {"f": ("float", np.float32), "": ("double", np.float64)}
COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
FLAGS = [
    "-std=gnu11",
    "-O3",
    "-march=native",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-shared",
    "-fPIC",
]


def program(calls: list[tuple[str, str]]) -> str:
    """Loops over the functions, with the sections they need and no others."""
    loops = "".join(
        f"void loop_{name}{suffix}(const {REAL[suffix][0]} *x, {REAL[suffix][0]} *y, long n)\n{{\n"
        f"#pragma omp simd\n    for (long i = 0; i < n; i++)\n        y[i] = simd_{name}{suffix}(x[i]);\n}}\n"
        for name, suffix in calls
    )
    return f"#include <math.h>\n#include <stdint.h>\n{sections(plain('c/primitives.h'), loops)}\n{loops}"


def compiled(folder: Path, text: str, *flags: str) -> tuple[Path, str]:
    """The library of a program and what the compiler had to say."""
    source, library = folder / "loops.c", folder / "loops.so"
    source.write_text(text, encoding="utf-8")
    command = [str(COMPILER), *FLAGS, *flags, str(source), "-o", str(library), "-lm"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return library, result.stderr


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    text = program([(name, suffix) for suffix in REAL for name in BOUNDS])
    return ctypes.CDLL(str(compiled(tmp_path_factory.mktemp("primitives"), text, "-Wall", "-Werror")[0]))


def evaluate(library: ctypes.CDLL, name: str, suffix: str, x: Any) -> Any:
    x = np.ascontiguousarray(x, REAL[suffix][1])
    y = np.empty_like(x)
    library[f"loop_{name}{suffix}"](
        ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(x.size)
    )
    return y


@pytest.mark.parametrize("name", BOUNDS)
def test_float_over_all_exponents(library: ctypes.CDLL, name: str) -> None:
    patterns = np.arange(0, 2**32, 3571, dtype=np.uint64).astype(np.uint32).view(np.float32)
    dense = [np.linspace(-110, 95, 200_000), np.linspace(-2, 2, 200_000), np.linspace(-1, 20, 50_000)]
    x = np.concatenate([patterns, *(part.astype(np.float32) for part in dense)])
    with np.errstate(all="ignore"):
        y = evaluate(library, name, "f", x)
        exact = NUMPY[name](x.astype(np.float64))
        rounded = exact.astype(np.float32)
        ulps = np.abs(y - exact) / np.spacing(np.abs(rounded)).astype(np.float64)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    worst = np.argmax(ulps[finite])
    assert ulps[finite][worst] <= BOUNDS[name], f"{ulps[finite][worst]} ulp at {x[finite][worst]!r}"


def _exact(name: str, x: float) -> Any:
    u = mpmath.mpf(x)
    if name != "erfcx":
        return getattr(mpmath, name)(u)
    if x < 1e3:
        return mpmath.exp(u * u) * mpmath.erfc(u)
    return (1 - 1 / (2 * u**2) + 3 / (4 * u**4) - 15 / (8 * u**6)) / (u * mpmath.sqrt(mpmath.pi))


def _arguments(name: str) -> Any:
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            rng.uniform(-40, 40, 500),
            rng.uniform(-1.2, 1.2, 900),
            10.0 ** rng.uniform(-300, 1, 200) * rng.choice([-1, 1], 200),
            rng.uniform(-745, 710, 400),
        ]
    )
    match name:
        case "log":
            return np.abs(x)
        case "log1p":
            return np.where(x < -1, -x, x)
        case "erfcx":
            return np.concatenate([x[(x > -26) & (x < 30)], 10.0 ** rng.uniform(0, 12, 200)])
    return x


@pytest.mark.parametrize("name", BOUNDS)
def test_double_against_mpmath(library: ctypes.CDLL, name: str) -> None:
    x = _arguments(name)
    with mpmath.workdps(40):
        for argument, value in zip(x.tolist(), evaluate(library, name, "", x).tolist(), strict=True):
            exact = _exact(name, argument)
            error = abs(mpmath.mpf(value) - exact) / mpmath.mpf(float(np.spacing(abs(float(exact)))))
            assert error <= BOUNDS[name], f"{error} ulp at {argument!r}"


@pytest.mark.parametrize("suffix", REAL)
@pytest.mark.parametrize("name", BOUNDS)
def test_special_values(library: ctypes.CDLL, name: str, suffix: str) -> None:
    info = np.finfo(REAL[suffix][1])
    largest, least = float(info.max), float(info.smallest_subnormal)
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, -2.0, -largest, least, -least], REAL[suffix][1])
    with np.errstate(all="ignore"):
        expected = NUMPY[name](x.astype(np.float64)).astype(REAL[suffix][1])
        expected = np.where(
            np.isin(x, (-1.0, -2.0)) & np.isfinite(expected), evaluate(library, name, suffix, x), expected
        )
    if name == "log" and suffix == "":
        expected[8] = np.log(least)
    found = evaluate(library, name, suffix, x)
    np.testing.assert_allclose(found, expected, rtol=2e-7 if suffix else 4e-16)
    zeros = found == 0
    np.testing.assert_array_equal(np.signbit(found[zeros]), np.signbit(expected[zeros]))


@pytest.mark.parametrize("suffix", REAL)
@pytest.mark.parametrize("name", BOUNDS)
def test_every_loop_vectorises_with_its_own_sections_alone(name: str, suffix: str, tmp_path: Path) -> None:
    version = subprocess.run([str(COMPILER), "--version"], capture_output=True, text=True, check=True).stdout
    if "Free Software Foundation" not in version:
        pytest.skip("-fopt-info-vec is gcc's")
    text = program([(name, suffix)])
    assert set(re.findall(r"simd_(\w+)\(", text)) <= {f"{n}{suffix}" for n in (name, "exp", "expm1")}
    _, notes = compiled(tmp_path, text, "-fopt-info-vec")
    assert "loop vectorized" in notes
