"""The vectorisable functions of templates/c/primitives.h: errors in ulp, special values, and that they do vectorise."""

from __future__ import annotations

import ctypes
import functools
import re
import subprocess
from collections.abc import Iterator
from math import inf, nan
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

from smgen.render import plain
from smgen.targets.c.primitives import sections
from tests.targets.c.primitives_loops import (
    BOUNDS,
    BUILDS,
    COMPILER,
    REAL,
    Array,
    calls,
    compiled,
    evaluate,
    loop,
    program,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")

NUMPY: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "tanh")},
    "erf": special.erf,
    "erfcx": special.erfcx,
}
NAMES = [(name, suffix) for suffix in REAL for name in BOUNDS]

LANDMARKS: dict[str, tuple[float, ...]] = {
    "exp": (-745.14, -745.13, -708.4, -104.0, -0.34657359, 0.34657359, 1.03972077, 709.78, 709.782712893384, 709.79),
    "expm1": (-745.0, -38.0, -36.7, -1.03972077, -0.34657359, 0.34657359, 709.0, 709.782712893384, 709.79),
    "log": (2.0**-1074, 2.0**-1060, 2.0**-1022, 0.70710678, 1.0, 1.41421356, 2.0, 1.79e308),
    "log1p": (-1.0, -0.5, -0.29289322, 0.41421356, 1.0, 2.0**52, 2.0**53, 2.0**54, 1.79e308),
    "tanh": (0.17328680, 0.51986039, 18.7, 19.06, 19.07, 20.0, 300.0),
    "erf": (0.3, 0.8, 1.0, 2.0, 3.0, 5.86, 5.92, 6.0, 27.0),
    "erfcx": (-26.641, -26.64, -26.6287, -26.6, -3.0, -0.58870501, 0.5, 1.0, 3.0, 26.5, 1e8, 6.7e7, 1e154, 1.79e308),
}
"""Where a function changes its way of computing, its results become subnormal or overflow."""

SPECIAL: dict[str, dict[float, float]] = {
    "exp": {-inf: 0.0, inf: inf, 0.0: 1.0, -1e4: 0.0, 1e4: inf},
    "expm1": {-inf: -1.0, inf: inf, -1e4: -1.0, 1e4: inf},
    "log": {0.0: -inf, -1.0: nan, -inf: nan, inf: inf, 1.0: 0.0},
    "log1p": {-1.0: -inf, -1.5: nan, -inf: nan, inf: inf},
    "tanh": {-inf: -1.0, inf: 1.0, 1e4: 1.0},
    "erf": {-inf: -1.0, inf: 1.0, 1e4: 1.0},
    "erfcx": {-inf: inf, inf: 0.0, 0.0: 1.0, -1e4: inf},
}
ODD = ("expm1", "log1p", "tanh")
"""Functions f(x) with the sign of x and f(x) = x near 0."""


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ctypes.CDLL]:
    """All functions, one library a build."""
    folder = tmp_path_factory.mktemp("primitives")
    libraries = {}
    for build, options in BUILDS.items():
        (folder / build).mkdir()
        libraries[build] = ctypes.CDLL(str(compiled(folder / build, program(calls(NAMES)), *options)[0]))
    return libraries


def _in_parts(step: int) -> Iterator[Array]:
    """Every step-th float32 of all there are."""
    size = 2**22 * step
    for first in range(0, 2**32, size):
        yield np.arange(first, min(first + size, 2**32), step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def _assert_float_errors(library: ctypes.CDLL, name: str, x: Array) -> None:
    with np.errstate(all="ignore"):
        y = evaluate(library, name, "f", x)
        exact = NUMPY[name](x.astype(np.float64))
        rounded = exact.astype(np.float32)
        finite = np.isfinite(rounded)
        errors = np.where(finite, np.abs(y - exact) / np.spacing(np.abs(rounded)).astype(np.float64), 0)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    worst = np.argmax(errors)
    assert errors[worst] <= BOUNDS[name], f"{errors[worst]} ulp at {x[worst]!r}"


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", BOUNDS)
def test_float_over_all_exponents(libraries: dict[str, ctypes.CDLL], name: str, build: str) -> None:
    dense = [np.linspace(-110, 95, 150_000), np.linspace(-2, 2, 150_000), np.linspace(-1, 20, 50_000)]
    for part in (*_in_parts(3571), *(d.astype(np.float32) for d in dense)):
        _assert_float_errors(libraries[build], name, part)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", BOUNDS)
def test_float_at_fifty_million_arguments(libraries: dict[str, ctypes.CDLL], name: str, build: str) -> None:
    for part in _in_parts(83):
        _assert_float_errors(libraries[build], name, part)


def _arguments(name: str) -> Array:
    """About 3000: everywhere, near 0 and near the landmarks."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], 300)
    near = [landmark * (1 + rng.uniform(-1, 1, 60) * 2.0 ** -rng.uniform(3, 53, 60)) for landmark in LANDMARKS[name]]
    x = np.concatenate(
        [
            rng.uniform(-40, 40, 500),
            rng.uniform(-1.2, 1.2, 1000),
            np.exp2(rng.uniform(-1074, 3, 300)) * signs,
            rng.uniform(-750, 715, 400),
            1 + np.exp2(rng.uniform(-53, 0, 300)) * signs,
            *near,
        ]
    )
    match name:
        case "log":
            return np.concatenate([np.abs(x), np.exp2(rng.uniform(-1074, 1023.9, 300))])
        case "log1p":
            return np.concatenate([np.where(x < -1, -x, x), np.exp2(rng.uniform(0, 1023.9, 300))])
        case "erfcx":
            return np.concatenate([x[x > -27], np.exp2(rng.uniform(0, 1023.9, 300))])
    return x


def _exact(name: str, x: float) -> Any:
    u = mpmath.mpf(x)
    if name != "erfcx":
        return getattr(mpmath, name)(u)
    if x < 1e3:
        return mpmath.exp(u * u) * mpmath.erfc(u)
    return (1 - 1 / (2 * u**2) + 3 / (4 * u**4) - 15 / (8 * u**6)) / (u * mpmath.sqrt(mpmath.pi))


@functools.cache
def _reference(name: str) -> list[tuple[float, Any, float]]:
    """Arguments, exact values and what a unit in the last place is there."""
    with mpmath.workdps(40), np.errstate(all="ignore"):
        exact = [(x, _exact(name, x)) for x in _arguments(name).tolist()]
        return [(x, value, float(np.spacing(abs(float(value))))) for x, value in exact]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", BOUNDS)
def test_double_against_mpmath(libraries: dict[str, ctypes.CDLL], name: str, build: str) -> None:
    reference = _reference(name)
    values = evaluate(libraries[build], name, "", np.array([x for x, _, _ in reference])).tolist()
    with mpmath.workdps(40):
        for (x, exact, ulp), value in zip(reference, values, strict=True):
            if np.isfinite(ulp):
                error = abs(mpmath.mpf(value) - exact) / mpmath.mpf(ulp)
                assert error <= BOUNDS[name], f"{float(error)} ulp at {x!r}"
            else:
                assert value == float(exact), f"{value} at {x!r}"


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("suffix", REAL)
@pytest.mark.parametrize("name", BOUNDS)
def test_special_values(libraries: dict[str, ctypes.CDLL], name: str, suffix: str, build: str) -> None:
    least = float(np.finfo(REAL[suffix][1]).smallest_subnormal)
    expected = {nan: nan, **SPECIAL[name]}
    if name in ODD:
        expected |= {least: least, -least: -least, 7 * least: 7 * least}
    values = evaluate(libraries[build], name, suffix, np.array(list(expected)))
    np.testing.assert_array_equal(values, np.array(list(expected.values())))
    assert np.isnan(evaluate(libraries[build], name, suffix, np.array([-nan]))).all()
    zeros = evaluate(libraries[build], name, suffix, np.array([0.0, -0.0]))
    if name in (*ODD, "erf"):
        assert (zeros == 0).all()
        np.testing.assert_array_equal(np.signbit(zeros), [False, True])
    else:
        assert zeros[0] == zeros[1]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(("name", "suffix"), NAMES)
def test_every_loop_vectorises_with_its_own_sections_alone(name: str, suffix: str, build: str, tmp_path: Path) -> None:
    warnings = ("-Wall", "-Wextra", "-Wconversion", "-Wno-unused-function", "-Werror")
    _assert_vectorised(tmp_path, calls([(name, suffix)]), *BUILDS[build], *warnings)


@pytest.mark.parametrize("suffix", REAL)
def test_functions_of_functions_vectorise(suffix: str, tmp_path: Path) -> None:
    softplus = f"(x > 0 ? x : 0) + simd_log1p{suffix}(simd_exp{suffix}(-fabs{suffix}(x)))"
    _assert_vectorised(tmp_path, loop("softplus", REAL[suffix][0], softplus), *BUILDS["fused"])


def _assert_vectorised(folder: Path, loops: str, *options: str) -> None:
    version = subprocess.run([str(COMPILER), "--version"], capture_output=True, text=True, check=True).stdout
    if "Free Software Foundation" not in version:
        pytest.skip("-fopt-info-vec is gcc's")
    _, notes = compiled(folder, program(loops), *options, "-fopt-info-vec")
    assert "loop vectorized" in notes


def test_sections_name_what_they_need() -> None:
    header = plain("c/primitives.h")
    for name, suffix in NAMES:
        text = sections(header, f"simd_{name}{suffix}(")
        assert set(re.findall(r"\bsimd_(\w+)\(", text)) == {name + suffix}
        assert set(re.findall(r"\b(?:float|double)\b", text)) == {REAL[suffix][0]}
