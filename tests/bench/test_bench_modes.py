"""`smgen bench --hessian`: everybody computes the same loss, in every mode; who cannot is left out or refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smgen.bench.autodiff import statement
from smgen.bench.peers import peer
from smgen.cli import app
from smgen.errors import BuildError
from smgen.hessians import Method
from tests.networks import CATALOGUE

DEEP = """import smgen as sm
x = sm.input(3)
h = sm.softplus(sm.linear(x, 8))
network = sm.Network(energy=[sm.softplus(sm.linear(h, 6)), sm.square(sm.concat(h, sm.scale(x)))])
"""
QUICK = ("--rounds", "1", "--seconds", "0", "--samples", "8", "--dtype", "float64")
MODES = {
    "exact": (("--hessian", "exact"), "All compute the exact loss"),
    "hutchinson": (("--hessian", "hutchinson", "--probes", "3"), "All compute the loss on the same 3 probes a sample"),
    "one probe": (("--hessian", "hutchinson", "--probes", "1"), "All compute the loss on the same 1 probe a sample"),
    "diagonal": (("--hessian", "diagonal"), "All compute the loss of the diagonal recursion."),
}


def bench(folder: Path, *args: str, code: int = 0) -> Any:
    (folder / "net.py").write_text(DEEP, encoding="utf-8")
    result = CliRunner().invoke(app, ["bench", str(folder / "net.py"), *QUICK, *args])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def quick_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smgen.bench.run.gemm_rate", lambda dtype, **_: 1e11)


@pytest.mark.parametrize("mode", MODES)
def test_the_backends_agree(tmp_path: Path, mode: str) -> None:
    """Results are compared before anything is timed."""
    options, said = MODES[mode]
    lams = ("--lam", "0") if mode == "one probe" else ("--lam", "0", "--lam", "0.3")
    shown = bench(tmp_path, *options, *lams, "--backend", "numpy", "--backend", "c", *_peers()).stdout
    assert said in shown
    assert shown.count(" numpy ") == len(lams)


def _peers() -> tuple[str, ...]:
    """Those that are installed; all that can, and so none, where there are none."""
    return tuple(part for name in ("jax", "torch") if find_spec(name) for part in ("--against", name))


def test_who_cannot(tmp_path: Path) -> None:
    error = bench(tmp_path, "--hessian", "exact", "--against", "literal", code=2).stderr
    assert error == (
        "error: literal cannot be measured: the literal NumPy program is of the diagonal recursion\n"
        "  hint: --hessian diagonal\n"
    )
    assert "--probes 1 with λ > 0" in bench(tmp_path, "--hessian", "hutchinson", "--probes", "1", code=2).stderr
    assert "no such hessian" in bench(tmp_path, "--hessian=", code=2).stderr


@pytest.mark.parametrize("library", ["jax", "torch"])
@pytest.mark.parametrize("method", [Method("exact"), Method("hutchinson"), Method("hutchinson", probes=3)], ids=str)
def test_the_programs_are_python(library: str, method: Method) -> None:
    for name in ("deep", "concatenated", "shared_weights", "doubled"):
        compile(peer(library, CATALOGUE[name](), method), name, "exec")
    assert "All compute" in statement(method)
    with pytest.raises(BuildError, match="differentiate a gradient"):
        peer("torch.compile", CATALOGUE["deep"](), method)
