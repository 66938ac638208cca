"""`smgen build --functions`: what is written, up to date, refused; `smgen check` takes no part in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smgen.ir import public_functions
from smgen.loader import load
from tests.commands import DEEP, ICA, run, tree


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(ICA, encoding="utf-8")
    return path


def test_another_choice_is_a_change(net: Path) -> None:
    path = net.parent / "net_numpy.py"
    assert run("build", net, "--functions", "loss_and_grad,score").stdout == f"wrote {path} (new)\n"
    assert "--batch-size 1024 --functions score,loss_and_grad\n" in path.read_text(encoding="utf-8")
    for same in (("score,loss_and_grad",), ("score", "loss_and_grad"), ("loss_and_grad", "score", "score,score")):
        again = [word for choice in same for word in ("--functions", choice)]
        assert run("build", net, *again).stdout == f"{path} is up to date\n"
    change = f"wrote {path} (the choice of functions changed)\n"
    assert run("build", net, "--functions", "score").stdout == change
    assert run("build", net).stdout == change
    assert "functions" not in load(path).METADATA
    assert run("build", net).stdout == f"{path} is up to date\n"
    assert run("build", net, "--functions", "energy").stdout == change


def test_the_command_of_the_header_makes_the_same_file(net: Path) -> None:
    run("build", net, "--functions", "loss", "--functions", "energy", "--name", "mine")
    path = net.parent / "mine_numpy.py"
    text = path.read_text(encoding="utf-8")
    command = text.splitlines()[2].split()
    path.unlink()
    run(*(str(net) if word == "net.py" else word for word in command[1:]))
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("backend", ["numpy", "c", "cuda"])
def test_a_wrong_name_writes_nothing(net: Path, backend: str) -> None:
    before = tree(net.parent)
    error = run(
        "build", net, "--backend", backend, "--functions", "score,los_and_grad", "-o", net.parent / "new", code=2
    ).stderr
    known = ", ".join(function.name for function in public_functions()) + ", usual or all"
    assert (
        error.split()
        == (
            "error: --functions los_and_grad: no such function (did you mean 'loss_and_grad'?) "
            f"hint: one or several of {known}"
        ).split()
    )
    assert run("build", net, "--functions", "", code=2).stderr.startswith("error: --functions: none is named")
    assert tree(net.parent) == before


def test_c_programs_get_what_was_chosen(net: Path) -> None:
    run("build", net, "--backend", "c", "--standalone", "--functions", "score")
    header, c = (net.with_name(f"net_c.{end}").read_text(encoding="utf-8") for end in ("h", "c"))
    declared = re.findall(r"^(?:void|long|int) (\w+)\(", header, re.MULTILINE)
    folder = re.sub(r"\W", "_", net.parent.name)
    prefix = declared[0].removesuffix("_use_gemm")
    assert folder in prefix
    names = ["use_gemm", "is_finite", "score_memory", "score", "layer_means_memory", "layer_means"]
    assert [name.removeprefix(f"{prefix}_") for name in declared] == names
    for name in ("energy", "hessian_diagonal", "loss"):
        assert name not in re.sub(r"/\*.*?\*/", "", c, flags=re.DOTALL)
    assert "--functions score --standalone" in header


def test_where_nothing_computes_second_derivatives_no_mode_is_asked_for(net: Path) -> None:
    net.write_text(DEEP.replace("relu", "tanh"), encoding="utf-8")
    assert "The mode is yours to choose" in run("build", net, code=2).stderr
    assert "The mode is yours to choose" in run("build", net, "--functions", "score,loss", code=2).stderr
    built = run("build", net, "--functions", "energy,score")
    assert (built.stdout, built.stderr) == (f"wrote {net.parent / 'net_numpy.py'} (new)\n", "")
    assert load(net.parent / "net_numpy.py").selftest()


def test_check_builds_what_it_needs(net: Path) -> None:
    run("build", net, "--functions", "score")
    before = tree(net.parent)
    assert "FAIL" not in run("check", net).stdout
    assert tree(net.parent) == before
    assert "energy_and_score" not in run("check", net, "--functions", "score,energy").stdout
    assert "H v" in run("check", net, "--functions", "hvp,score,energy").stdout


def test_help_has_it() -> None:
    words = " ".join(re.sub(r"[^\w\s,.;-]", " ", run("build", "--help").stdout).split())
    assert "--functions" in words
    assert "Only these functions, and what they need" in words
