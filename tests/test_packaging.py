"""Wheel, sdist → wheel and editable install: each finds its templates, and builds a module."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NET = ROOT / "generated/ica/net.py"


def run(*arguments: str, cwd: Path, path: Path | None = None) -> str:
    env = {**os.environ, "PYTHONPATH": str(path) if path else ""}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpack(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def assert_works(site: Path, cwd: Path, *, editable: bool = False) -> None:
    """smgen imported from `site` compiles the ICA example to the bytes of the golden module."""
    # What the folder's .pth file names goes before an installed smgen, as it would in an environment of its own.
    first = f"import site, sys; n = len(sys.path); site.addsitedir({str(site)!r}); sys.path[:0] = sys.path[n:]; "
    start = first if editable else ""
    where = run("-c", f"{start}import smgen; print(smgen.__file__)", cwd=cwd, path=None if editable else site)
    assert Path(where.strip()).is_relative_to(ROOT if editable else site)
    code = f"{start}import sys; from smgen.cli import main; sys.argv = ['smgen', 'build', 'ica/net.py']; main()"
    (cwd / "ica").mkdir()
    (cwd / "ica/net.py").write_text(NET.read_text(encoding="utf-8"), encoding="utf-8")
    run("-c", code, cwd=cwd, path=None if editable else site)
    assert (cwd / "ica/net_numpy.py").read_bytes() == NET.with_name("net_numpy.py").read_bytes()


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    return out


@pytest.mark.slow
def test_the_wheel_built_from_the_sdist(distributions: Path, tmp_path: Path) -> None:
    """`python -m build` makes the sdist, and the wheel from it."""
    wheel = next(distributions.glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "smgen/templates/numpy/module.py.j2" in names
    assert "smgen/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "templates", "generated"))]
    (tmp_path / "work").mkdir()
    assert_works(unpack(wheel, tmp_path / "site"), tmp_path / "work")


@pytest.mark.slow
def test_the_wheel_built_from_the_checkout(tmp_path: Path) -> None:
    run("-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), str(ROOT), cwd=tmp_path)
    (tmp_path / "work").mkdir()
    assert_works(unpack(next(tmp_path.glob("*.whl")), tmp_path / "site"), tmp_path / "work")


@pytest.mark.slow
def test_the_sdist_holds_what_the_tests_need(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"tests/test_golden.py", "generated/ica/net.py", "templates/numpy/module.py.j2", "LICENSE"} <= names


@pytest.mark.slow
def test_the_editable_install(tmp_path: Path) -> None:
    code = (
        f"import os; os.chdir({str(ROOT)!r}); import hatchling.build as b; print(b.build_editable({str(tmp_path)!r}))"
    )
    run("-c", code, cwd=tmp_path)
    (tmp_path / "work").mkdir()
    assert_works(unpack(next(tmp_path.glob("*.whl")), tmp_path / "site"), tmp_path / "work", editable=True)
