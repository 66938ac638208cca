"""What pyproject.toml promises of versions: every lower bound, and the newest of everything on every Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import scipy_openblas32

ROOT = Path(__file__).resolve().parents[1]
SMOKE = Path(__file__).parent / "versions" / "smoke.py"
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
NEWER = ("3.10", "3.12", "3.13")
NET = """import smgen as sm

network = sm.Network(energy=sm.logcosh(sm.linear(sm.input(5), 8)))
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""That of the commands: what is installed is compiled at the first import of it, not at each."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="uv is not installed")]


def interpreter(version: str) -> str | None:
    """A Python of this version, if there is one: that of the suite, one on the path, or one of pyenv's."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(pyenv[-1]) if pyenv else shutil.which(f"python{version}")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """smgen as it would be installed, so that no test finds the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([str(UV), "build", "--wheel", "-q", "-o", folder, ROOT], capture_output=True, check=False)
    if built.returncode:
        pytest.skip("nothing can be installed here: no package index answers")
    return next(folder.glob("*.whl"))


def install(python: str, folder: Path, *arguments: str) -> str:
    """A virtual environment with these installed; its interpreter."""
    subprocess.run([str(UV), "venv", "-q", "--python", python, folder], check=True)
    own = str(folder / "bin" / "python")
    subprocess.run([str(UV), "pip", "install", "-q", "--python", own, *arguments], check=True)
    return own


def smoke(python: str, folder: Path) -> None:
    folder.mkdir()
    run_smoke([python, SMOKE, folder], folder)


def run_smoke(command: list[str | Path], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout


def oldest(wheel: Path, folder: Path, *extras: str) -> str:
    """An environment with the oldest of every package that is named, on the Python that they were made for."""
    python = interpreter("3.11")
    if python is None:
        pytest.skip("no Python 3.11")
    return install(python, folder, "--resolution", "lowest-direct", *extras)


def test_the_lower_bounds(wheel: Path, tmp_path: Path) -> None:
    own = oldest(wheel, tmp_path / "venv", f"{wheel}[c,demo]")
    smoke(own, tmp_path / "work")
    demo = [own, "-m", "smgen", "demo", "--quick"]
    subprocess.run(demo, cwd=tmp_path / "work", check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def test_the_lower_bounds_of_training(wheel: Path, tmp_path: Path) -> None:
    own = oldest(wheel, tmp_path / "venv", f"{wheel}[fit,files,sklearn]")
    fit = ["fit", "net.py", "--data", "moons.npy", "--hessian", "exact", "--steps", "20"]
    for command in (["new", "--example"], fit, ["evaluate", "model", "--data", "moons.npy"]):
        done = subprocess.run(
            [own, "-m", "smgen", *command], cwd=tmp_path, env=ENVIRONMENT, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_the_lower_bounds_of_benchmarks(wheel: Path, tmp_path: Path) -> None:
    """But PyTorch's, which takes gigabytes."""
    listed = re.search(r"^bench = \[(.*)\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    peers = [bound for bound in re.findall(r'"(.*?)"', listed[1]) if not bound.startswith(("torch", "smgen"))]
    own = oldest(wheel, tmp_path / "venv", f"{wheel}[c]", *peers)
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    command = [own, "-m", "smgen", "bench", "net.py", "--against", "jax", "--rounds", "1", "--seconds", "0.01"]
    subprocess.run(command, cwd=tmp_path, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("version", NEWER)
def test_the_newest_of_everything(version: str, wheel: Path, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version}")
    smoke(install(python, tmp_path / "venv", f"{wheel}[c]", "threadpoolctl"), tmp_path / "work")


HIDDEN = """
import builtins, os, sys

real_import, real_open = builtins.__import__, builtins.open


def importing(name, *others, **named):
    if name.split(".")[0] in ("fcntl", "resource", "scipy_openblas32", "threadpoolctl"):
        raise ImportError(f"No module named {name!r}", name=name)
    return real_import(name, *others, **named)


def opening(file, *others, **named):
    if str(file).startswith(("/proc", "/sys")):
        raise FileNotFoundError(2, "No such file or directory", str(file))
    return real_open(file, *others, **named)


builtins.__import__, builtins.open = importing, opening
for name in ("sched_getaffinity", "sysconf_names"):
    if hasattr(os, name):
        delattr(os, name)
os.environ |= {"PATH": "", "CC": ""}
os.environ.pop("CC")
"""


def test_a_system_without_locks_proc_or_a_compiler(wheel: Path, tmp_path: Path) -> None:
    """The command line and NumPy modules work; a C module says what it needs."""
    own = install(sys.executable, tmp_path / "venv", str(wheel))
    (tmp_path / "work").mkdir()
    (tmp_path / "venv" / "lib").joinpath(
        f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages", "sitecustomize.py"
    ).write_text(HIDDEN, encoding="utf-8")
    run_smoke([own, SMOKE, tmp_path / "work", "numpy"], tmp_path)
    (tmp_path / "work" / "ica_c.py").unlink(missing_ok=True)
    build = [own, "-m", "smgen", "build", "ica.py", "--backend", "c"]
    subprocess.run(build, cwd=tmp_path / "work", check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    use = [own, "-c", "import ica_c; ica_c.selftest()"]
    blas = next(path for path in Path(scipy_openblas32.get_lib_dir()).iterdir() if "openblas" in path.name)
    for known, needed in (({}, "no BLAS for the C module"), ({"SMGEN_CBLAS": str(blas)}, "no C compiler 'cc'")):
        failed = subprocess.run(
            use, cwd=tmp_path / "work", env=ENVIRONMENT | known, capture_output=True, text=True, check=False
        )
        assert failed.returncode == 1
        assert f"LibraryError: {needed}" in failed.stderr.strip().splitlines()[-1]
