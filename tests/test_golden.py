"""generated/ is what smgen generates today, byte for byte, wherever and whenever it runs.

Schedules are there as text, and the modules that a reader learns from; of the others `modules.sha256` has the sums.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from smgen.build import Options
from smgen.errors import SmgenWarning
from smgen.loader import load_source
from tests.generated import EXAMPLES, GENERATED, generate

SHOWN = {
    "field_of_experts": ("net_numpy.py",),
    "ica": ("net_numpy.py", "net_c.c", "net_c.h", "net_cuda.py"),
    "mlp": ("net_numpy.py", "net_exact_numpy.py"),
    "skip": ("net_numpy.py",),
}


def golden(example: str) -> dict[str, str]:
    """File name → text of what is kept of it."""
    files = generate(example)
    kept = {name: text for name, text in files.items() if name.endswith(".txt") or name in SHOWN.get(example, ())}
    sums = [f"{hashlib.sha256(files[name].encode()).hexdigest()}  {name}\n" for name in sorted(files.keys() - kept)]
    return kept | {"modules.sha256": "".join(sums)}


@pytest.mark.parametrize("example", EXAMPLES)
def test_golden(example: str, update_golden: bool) -> None:
    for name, text in golden(example).items():
        path = GENERATED / example / name
        if update_golden:
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{path} is stale: pytest tests/test_golden.py --update-golden"


@pytest.mark.parametrize("example", EXAMPLES)
def test_nothing_else_is_generated(example: str) -> None:
    assert {path.name for path in (GENERATED / example).iterdir() if path.is_file()} == {"net.py", *golden(example)}


@pytest.mark.parametrize("example", EXAMPLES)
def test_selftest_of_the_golden_modules(example: str) -> None:
    for name, text in generate(example).items():
        if name.endswith("numpy.py"):
            assert load_source(text, name).selftest(), name


def test_a_module_runs_without_smgen(tmp_path: Path) -> None:
    """`python module.py` exits 0 where smgen cannot be imported."""
    module = str(GENERATED / "mlp/net_numpy.py")
    code = f"import runpy, sys; sys.modules['smgen'] = None; runpy.run_path({module!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ok   lam = 0.1, layer_1.weight, loss_and_grad (against loss): off by " in done.stdout


@pytest.mark.parametrize("seed", ["1", "2", "77"])
def test_bytes_do_not_depend_on_hash_seed_or_folder(seed: str, tmp_path: Path) -> None:
    folder = tmp_path / f"elsewhere-{seed}" / "skip"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text((GENERATED / "skip/net.py").read_text(encoding="utf-8"), encoding="utf-8")
    code = "from smgen.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "build", "net.py", "--hessian", "diagonal"],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "net_numpy.py").read_bytes() == (GENERATED / "skip/net_numpy.py").read_bytes()


def test_examples_have_no_surprising_warning(tmp_path: Path) -> None:
    """Only the deep examples are inexact, and nothing is said of any nonlinearity."""
    from smgen.build import build

    inexact = set()
    for example in EXAMPLES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SmgenWarning)
            build(GENERATED / example / "net.py", options=Options(hessian="diagonal"), out=tmp_path)
        inexact |= {example for w in caught if "inexact" in str(w.message)}
        assert all("inexact" in str(w.message) for w in caught)
    exact = {"field_of_experts", "ica", "student_t"}
    assert inexact == set(EXAMPLES) - exact
