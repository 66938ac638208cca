"""The C backend: every number against the oracle, at any number of threads, alone on tiles and together on one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

import smgen as sm
from smgen.build import Options, build_info, sources
from smgen.loader import load_source
from smgen.network import Network
from tests import oracle
from tests.against_oracle import TOLERANCE, compare_losses
from tests.dags import dags, moderate
from tests.networks import CATALOGUE
from tests.support import assert_close, module_of, random_case, spec_of
from tests.targets.c.flags import FLAGS
from tests.targets.cuda.emitted import EXAMPLES, example

COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
SMALL = "-DWORTH_THREADS=0 -DFEWEST_ROWS=8 -DMOST_ROWS=16"
"""Threads even for a few samples: with 2 threads, up to 15 rows are a tile for both, more are tiles of at most 16."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def texts_of(network: Network, dtype: str = "float64", batch_size: int = 1024) -> dict[str, str]:
    return sources(
        network, build_info(network, Path("net.py"), Options(backend="c", dtype=dtype, batch_size=batch_size))
    )


def fresh(network: Network, dtype: str = "float64", batch_size: int = 1024) -> ModuleType:
    """The module, not compiled yet."""
    return load_source(texts_of(network, dtype, batch_size)[".py"], "net")


def compare(module: ModuleType, network: Network, samples: int) -> None:
    spec = spec_of(network)
    params, x = random_case(network, samples, samples)
    for function in ("energy", "score", "hessian_diagonal"):
        expected = getattr(oracle, function)(spec, params, x)
        assert_close(getattr(module, function)(params, x), expected, TOLERANCE, function)
    for lam in (0.0, 0.3):
        compare_losses(module, spec, params, x, lam)


def code_of(text: str) -> str:
    """The C that a compiler sees, without what is made of the text's own hash."""
    return re.sub(r"\w+_pair_[0-9a-f]+", "pair", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built for small and for large batches, which is the same C for half of the networks.

    The first is optimised, so that loops are of vectors and what is left over; the second has the same kinds of loops.
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    network = CATALOGUE[name]()
    texts = [texts_of(network, batch_size=batch_size) for batch_size in (1, 10**6)]
    found = {code_of(text[".c"]): text[".py"] for text in texts}
    for text, flags in zip(found.values(), ("-O1", "-Og"), strict=False):
        monkeypatch.setenv("CFLAGS", f"{flags} {SMALL}")
        module = load_source(text, "net")
        for samples in (1, 5, 16, 70):
            compare(module, network, samples)


@pytest.mark.slow
@settings(deadline=None, max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
@given(dags(max_nodes=6))
def test_random_dags(network: Network) -> None:
    assume(moderate(network))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFLAGS", f"-O1 {SMALL}")
        patch.setenv("OMP_NUM_THREADS", "3")
        module = fresh(network)
        for samples in (2, 30):
            compare(module, network, samples)


def wide() -> Network:
    """Layers wide enough for the BLAS, and with the padding that rows of 4096 bytes get."""
    h = sm.tanh(sm.linear(sm.input(70), 512))
    return Network(energy=sm.softplus(sm.linear(h, 40)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wide_layers_agree_with_numpy_at_any_number_of_threads(dtype: str) -> None:
    network = wide()
    ours, reference = fresh(network, dtype), module_of(network, "float64")
    for samples in (1, 130, 700, 1301):
        params, x = random_case(network, samples=samples)
        params = {key: value.astype(dtype) for key, value in params.items()}
        x = x.astype(dtype)
        exact = {key: value.astype(np.float64) for key, value in params.items()}
        for lam in (0.0, 0.3):
            J, gradient = reference.loss_and_grad(exact, x.astype(np.float64), lam)
            for threads in (1, 2, 3):
                workspace = ours.Workspace(threads=threads)
                found, ours_gradient = ours.loss_and_grad(params, x, lam, workspace=workspace)
                again, same_gradient = ours.loss_and_grad(params, x, lam, workspace=workspace)
                tolerance = 1e-11 if dtype == "float64" else 1e-4
                assert_close(found, J, tolerance, "J")
                assert found == again
                for key, value in gradient.items():
                    assert_close(ours_gradient[key], value, tolerance, key)
                    np.testing.assert_array_equal(ours_gradient[key], same_gradient[key])


def test_memory_does_not_grow_with_the_batch() -> None:
    network = wide()
    module = fresh(network)
    memory = module._function("loss_and_grad")[1]
    assert memory(10**6, 2) == memory(10**4, 2) < 40e6


def test_a_value_that_is_not_finite_is_named() -> None:
    network = CATALOGUE["ica"]()
    module = fresh(network)
    params, x = random_case(network, samples=50)
    for bad in (np.nan, np.inf, -np.inf):
        x[37, 1] = bad
        for call in (module.energy, module.score, module.loss, module.loss_and_grad):
            with pytest.raises(ValueError, match=rf"x: expected finite values, got {bad} at \[37, 1\]"):
                call(params, x)


def test_arrays_of_any_layout_are_taken() -> None:
    network = CATALOGUE["ica"]()
    module = fresh(network)
    params, x = random_case(network, samples=6)
    J, _ = module.loss_and_grad(params, x)
    fortran = {key: np.asfortranarray(value) for key, value in params.items()}
    assert module.loss_and_grad(fortran, np.asfortranarray(x))[0] == J


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiles_without_a_warning_and_every_loop_with_a_function_vectorises(
    name: str, dtype: str, tmp_path: Path
) -> None:
    text = texts_of(example(name), dtype)[".c"]
    source = tmp_path / "net.c"
    source.write_text(text, encoding="utf-8")
    flags = ["-std=gnu11", *FLAGS, "-fPIC", "-shared", "-fopt-info-vec"]
    command = [str(COMPILER), *flags, str(source), "-o", str(tmp_path / "net.so"), "-lm"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    if "loop vectorized" not in result.stderr:
        pytest.skip("-fopt-info-vec is gcc's")
    vectorised = {int(line) for line in re.findall(r"net\.c:(\d+):\d+: optimized: loop vectorized", result.stderr)}
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if "#pragma omp simd" in line and "s1.first" not in lines[number]:
            body = "\n".join(lines[number : number + 20]).split("}")[0]
            if "simd_" in body:
                assert vectorised & {number + 1, number + 2, number + 3}, f"line {number}:\n{body}"


def run_python(folder: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "net_c.py").write_text(texts_of(CATALOGUE["ica"]())[".py"], encoding="utf-8")
    import sys

    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


USE = "import net_c; print(net_c.selftest())"


def test_no_compiler_is_an_error_that_names_the_numpy_backend(tmp_path: Path) -> None:
    result = run_python(tmp_path, USE, CC="no-such-compiler")
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "no C compiler 'no-such-compiler'" in last
    assert "--backend numpy" in last


def test_what_the_compiler_says_is_passed_on(tmp_path: Path, cache: Path) -> None:
    result = run_python(tmp_path, USE, CFLAGS="-DN=*")
    assert "cannot compile" in result.stderr
    assert "error:" in result.stderr
    assert not list(cache.glob("*.so"))
    assert not list(cache.glob(".compiling*"))


def test_no_blas_is_an_error_that_says_how_to_get_one(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['scipy_openblas32'] = None; "
    result = run_python(tmp_path, hidden + USE)
    assert "pip install scipy-openblas32" in result.stderr
    assert run_python(tmp_path, USE, SMGEN_CBLAS=str(tmp_path / "missing.so")).returncode == 1


def test_another_blas_can_be_named(tmp_path: Path) -> None:
    import scipy_openblas32

    folder = Path(scipy_openblas32.get_lib_dir())
    path = next(p for p in folder.iterdir() if "openblas" in p.name and p.is_file())
    hidden = "import sys; sys.modules['scipy_openblas32'] = None; "
    assert run_python(tmp_path, hidden + USE, SMGEN_CBLAS=str(path)).stdout == "True\n"


def test_processes_that_start_together_compile_once(tmp_path: Path, cache: Path) -> None:
    import sys

    log = tmp_path / "log"
    compiler = tmp_path / "cc-that-counts"
    compiler.write_text(f'#!/bin/sh\necho x >> {log}\nexec {COMPILER} "$@"\n', encoding="utf-8")
    compiler.chmod(0o755)
    assert run_python(tmp_path, "import net_c").returncode == 0
    environment = os.environ | {"CC": str(compiler)}
    processes: list[Any] = [
        subprocess.Popen([sys.executable, "-c", USE], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate()[0] for process in processes] == ["True\n"] * 3
    assert log.read_text(encoding="utf-8") == "x\n"
    assert len(list(cache.glob("*.so"))) == 1
    assert not list(cache.glob(".compiling*"))
