"""The .c/.h pair in a C program: the example in examples/standalone, also under the sanitizers, and in C++."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from smgen.build import Options, build
from smgen.errors import BuildError
from tests.targets.c.flags import FLAGS

ROOT = Path(__file__).resolve().parents[3]
NET = ROOT / "generated/ica/net.py"
MAIN = ROOT / "examples/standalone/main.c"
COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(NET, tmp_path, Options(backend="c"), standalone=True)
    shutil.copy(MAIN, tmp_path)
    return tmp_path


def run(folder: Path, *flags: str) -> str:
    command = [str(COMPILER), *FLAGS, "main.c", "net_c.c", *flags, "-lm", "-o", "ica"]
    compiled = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run(["./ica"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not result.stderr
    return result.stdout


def test_the_example_trains(folder: Path) -> None:
    assert run(folder).startswith("J fell from ")


def test_the_example_under_sanitizers(folder: Path) -> None:
    checked = run(folder, "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
    assert checked.startswith("J fell from ")


def test_the_same_with_a_blas_on_threads_together(folder: Path) -> None:
    import scipy_openblas32

    library = Path(scipy_openblas32.get_lib_dir())
    name = next(p.name for p in library.iterdir() if "openblas" in p.name and p.is_file())
    linked = [f"-Wl,-rpath,{library}", str(library / name), "-DWITH_CBLAS", "-Dcblas_sgemm=scipy_cblas_sgemm"]
    assert run(folder, *linked, "-DFEWEST_ROWS=1000") == run(folder, *linked)


def test_the_header_is_cxx_too(folder: Path) -> None:
    (folder / "main.cpp").write_text(
        '#include "net_c.h"\nint main() { return ICA_FILTERS_WEIGHT; }\n', encoding="utf-8"
    )
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    subprocess.run([compiler, "-fsyntax-only", "-Wall", "-Werror", "main.cpp"], cwd=folder, check=True)


def test_only_c_stands_alone(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="--standalone with --backend numpy"):
        build(NET, tmp_path, standalone=True)
    assert not list(tmp_path.iterdir())


def test_a_missing_or_stale_file_is_written_again(tmp_path: Path) -> None:
    options = Options(backend="c")
    assert build(NET, tmp_path, options).changes == ("new",)
    assert [path.name for path in tmp_path.iterdir()] == ["net_c.py"]
    assert build(NET, tmp_path, options).changes == ()
    assert build(NET, tmp_path, options, standalone=True).changes == (
        ".c was missing or stale",
        ".h was missing or stale",
    )
    assert build(NET, tmp_path, options, standalone=True).changes == ()
    build(NET, tmp_path, Options(backend="c", dtype="float64"))
    build(NET, tmp_path, Options(backend="c", dtype="float64"), standalone=True)
    assert "typedef double real;" in (tmp_path / "net_c.c").read_text(encoding="utf-8")
    assert "double alpha" in (tmp_path / "net_c.h").read_text(encoding="utf-8")


def test_a_header_of_another_build_does_not_link(folder: Path, tmp_path: Path) -> None:
    """A build that was killed between the two files leaves such a pair."""
    other = tmp_path / "other"
    other.mkdir()
    build(NET, other, Options(backend="c", dtype="float64"), standalone=True)
    (folder / "net_c.c").write_bytes((other / "net_c.c").read_bytes())
    with pytest.raises(AssertionError, match=r"undefined .*ica_pair_"):
        run(folder)
