"""Descriptions that do odd things, and files that are odd themselves: built beside net.py, or refused in a line."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from smgen.errors import NetfileError, shortened
from smgen.network.netfile import load_network
from tests.commands import ICA, SMGEN, run

HEAD = "import smgen as sm\n"
NETWORK = "network = sm.Network(energy=sm.logcosh(sm.linear(sm.input(2), 3, name='filters')))\n"

WORKS = {
    "a dataclass": "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    "@dataclass\nclass Config:\n    units: int = 3\n    names: list[str] | None = None\n",
    "a frozen one with slots": "from __future__ import annotations\nimport dataclasses\nfrom typing import ClassVar\n"
    "@dataclasses.dataclass(frozen=True, slots=True)\nclass Config:\n    units: ClassVar[int] = 3\n"
    "    size: int = 2\nConfig()\n",
    "type hints": "from __future__ import annotations\nimport typing\n"
    "class A:\n    b: B\nclass B: ...\ntyping.get_type_hints(A)\n",
    "a named tuple and an enum": "import enum, typing\n"
    "class P(typing.NamedTuple):\n    a: int = 1\nclass E(enum.Enum):\n    A = 1\n"
    "import pickle\npickle.loads(pickle.dumps(P()))\n",
    "another folder": "import os\nos.chdir('/')\n",
    "a folder that goes": "import os, tempfile\nd = tempfile.mkdtemp()\nos.chdir(d)\nos.rmdir(d)\n",
    "much output": "print('x' * 1_000_000)\n",
    "other search paths": "import sys\nsys.path.clear()\nsys.argv.append('x')\n",
    "its own name": "import sys\nassert sys.modules[__name__].__file__.endswith('net.py')\n",
}


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("net.py")


@pytest.mark.parametrize("name", WORKS)
def test_built_beside_the_description(net: Path, tmp_path: Path, name: str) -> None:
    future = "from __future__ import annotations\n" if "__future__" in WORKS[name] else ""
    net.write_text(future + HEAD + WORKS[name].removeprefix(future) + NETWORK)
    before = Path.cwd()
    assert run("build", net).stdout == "wrote net_numpy.py (new)\n"
    assert Path.cwd() == before
    assert (tmp_path / "net_numpy.py").exists()
    run("check", net)


RAISES = {
    "long": ("raise ValueError('x' * 1_000_000)", "the description raised ValueError: xxx"),
    "lines": ("raise ValueError('a\\n\\nb')", "the description raised ValueError: a b"),
    "without text": ("class E(Exception):\n    def __str__(self): raise self\nraise E",
                     "raised E: an object of type E"),
    "exit": ("raise SystemExit('x' * 10**6)", "the description raised SystemExit: xxx"),
    "base": ("class B(BaseException): ...\nraise B('gone')", "the description raised B: gone"),
    "generator": ("raise GeneratorExit", "the description raised GeneratorExit"),
    "recursion": ("def f():\n    return f()\nf()", "the description raised RecursionError"),
    "repr": ("class A:\n    def __repr__(self): raise RuntimeError\nnetwork = A()", "`network` is an object of type A"),
    "long repr": ("network = list(range(10**6))", "`network` is [0, 1, 2"),
    "repr of an argument": ("class A:\n    def __repr__(self): 1 / 0\nsm.linear(A(), 3)",
                            "takes a node; got an object"),
    "repr of units": ("class A:\n    def __repr__(self): 1 / 0\nsm.input(A())", "at least 1; got an object of type A"),
    "repr of an energy": ("class A:\n    def __repr__(self): 1 / 0\nsm.Network(energy=A())",
                          "nodes; got an object of type A"),
    "parentheses": ("x = " + "(" * 10**5 + ")" * 10**5, "too many nested parentheses"),
    "minus": ("x = " + "-" * 10**5 + "1", "an expression is nested too deeply for Python"),
}  # fmt: skip


@pytest.mark.parametrize("name", RAISES)
def test_mistakes_are_told_in_a_line(net: Path, name: str) -> None:
    body, expected = RAISES[name]
    net.write_text(f"{HEAD}{body}\n")
    error = run("build", net, code=2).stderr
    assert error.startswith("error: net.py")
    assert expected in error
    assert error.count("\n") == 2
    assert len(error) < 600
    assert "Traceback" not in error


def test_an_interrupt_is_no_mistake(net: Path) -> None:
    net.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_network(net)


def piped(*args: object, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SMGEN, *map(str, args)], input=text, capture_output=True, text=True)


def test_a_pipe_has_no_folder(net: Path, tmp_path: Path) -> None:
    refused = piped("build", "/dev/stdin", text=ICA)
    assert refused.returncode == 2
    assert refused.stderr == "error: /dev/stdin: has no folder to write the module to\n  hint: name one with -o\n"
    assert piped("build", "/dev/stdin", "-o", "there", text=ICA).stdout == "wrote there/stdin_numpy.py (new)\n"
    os.mkfifo(tmp_path / "pipe.py")
    assert "has no folder" in piped("build", "pipe.py").stderr


@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000, "b/" + "a" * 256])
def test_names_that_are_too_long(net: Path, name: str) -> None:
    net.write_text(ICA)
    for args in (("build", net, "-o", name), ("build", f"{name}.py")):
        error = run(*args, code=2).stderr
        assert "File name too long" in error or "no such file" in error
        assert error.count("\n") == 2


def test_names_that_are_not_utf8(net: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(b"n\xff"))
    odd.mkdir()
    (odd / "net.py").write_text(ICA)
    for args in (("build", odd / "net.py"), ("show", odd / "net.py"), ("check", odd / "net.py")):
        result = piped(*args)
        assert result.returncode == 0, result.stderr
    assert (odd / "net_numpy.py").exists()


@pytest.mark.parametrize("option", ["--hessian=", "--backend=", "--dtype=", "--distribution="])
def test_empty_options(net: Path, option: str) -> None:
    net.write_text(ICA.replace("energy=sm.logcosh(", "energy=sm.sin(sm.linear(sm.tanh(").replace(")))\n", ")), 2)))\n"))
    assert f"{option.rstrip('=')} : no such" in run("build", net, option, code=2).stderr
    assert not Path("net_numpy.py").exists()


def test_a_folder_is_no_description(net: Path) -> None:
    with pytest.raises(NetfileError, match="Is a directory"):
        load_network(Path())


def test_texts_are_shortened() -> None:
    assert shortened("x") == "'x'"
    assert shortened("a\n b", str) == "a b"
    assert len(shortened("x" * 10**7)) < 400


def test_a_second_input_enters_the_loss(net: Path) -> None:
    net.write_text(f"{HEAD}a, b = sm.input(2), sm.input(3)\nnetwork = sm.Network(energy=[a, b])\n")
    error = run("build", net, code=2).stderr
    assert "make one sm.input of all the units. The derivatives by all of them then enter the loss" in error


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder"])
def test_targets_that_are_no_files(net: Path, kind: str) -> None:
    net.write_text(ICA)
    if kind == "pipe":
        os.mkfifo("net_numpy.py")
    elif kind == "folder":
        Path("net_numpy.py").mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("net_numpy.py")
    assert "exists and was not generated by smgen\n  hint: " in run("build", net, code=2).stderr
    if kind == "socket":
        assert "cannot be read: " in run("show", "net_numpy.py", code=2).stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device that never ends")
def test_a_description_that_never_ends() -> None:
    assert run("show", "/dev/zero", code=2).stderr.startswith("error: /dev/zero: cannot be read: it has more than ")


def test_paths_that_are_too_long(net: Path) -> None:
    net.write_text(ICA)
    for args in (("build", net, "-o", "a/" * 3000), ("build", "a/" * 3000 + "net.py")):
        error = run(*args, code=2).stderr
        assert "File name too long" in error
        assert (error.count("\n"), len(error) < 600) == (2, True)


def test_a_folder_that_has_been_deleted(net: Path, tmp_path: Path) -> None:
    net.write_text(ICA)
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for args in (("build", "../net.py"), ("show", "../net.py"), ("build", tmp_path / "net.py", "-o", ".")):
        error = run(*args, code=2).stderr
        assert error.split(": ", 2)[2].startswith("the folder that you are in has been deleted\n  hint: ")
    run("build", tmp_path / "net.py")
