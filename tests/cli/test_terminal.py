"""What a person sees: output that cannot be written, lines of a terminal's width, no control characters."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from smgen.report.tables import Table, put
from tests.commands import DEEP, ICA, SMGEN, python, run

COMMANDS = ("show net.py", "show net.py --json", "build net.py --force", "check net.py", "--version", "--help")


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(ICA)
    return Path("net.py")


def to(device: str, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    with Path(device).open("w") as sink:
        return subprocess.run(
            [*SMGEN, *command.split()], stdout=sink, stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_one_line(net: Path, command: str) -> None:
    for environment in ({}, {"PYTHONUNBUFFERED": "1"}):
        result = to("/dev/full", command, **environment)
        assert (result.returncode, result.stderr) == (1, "error: standard output: No space left on device\n")


@pytest.mark.parametrize("command", ["show net.py", "show net.py --json", "build net.py --force", "--version"])
def test_a_reader_that_goes_is_no_mistake(net: Path, command: str) -> None:
    ends = os.pipe()
    os.close(ends[0])
    with os.fdopen(ends[1], "w") as sink:
        result = subprocess.run([*SMGEN, *command.split()], stdout=sink, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_messages_that_cannot_be_written_leave_the_exit_code(net: Path) -> None:
    for command, code in (("build missing.py", 2), ("build net.py", 0), ("biuld", 2)):
        with Path("/dev/full").open("w") as sink:
            assert subprocess.run([*SMGEN, *command.split()], stdout=subprocess.PIPE, stderr=sink).returncode == code


def on_a_terminal(command: str, columns: int) -> list[str]:
    """The lines that a command shows on a terminal of this width, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [*SMGEN, *command.split()], stdin=theirs, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # its end, on Linux
            break
        if not part:
            break
        shown += part
    os.close(ours)
    process.wait()
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r", "").splitlines()


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("command", ["check net.py", "show net.py", "build net.py"])
def test_prose_ends_its_lines_between_words(net: Path, command: str, columns: int) -> None:
    net.write_text(DEEP)
    lines = on_a_terminal(command, columns)
    piped = python(*SMGEN, *command.split())
    sentences = [line for line in (piped.stdout + piped.stderr).splitlines() if "cross terms" in line]
    assert sentences
    for sentence in sentences:
        assert len(sentence) > 80
        assert sentence not in lines
        assert " ".join(sentence.split()) in " ".join(" ".join(lines).split())
    assert all(len(line) <= columns or line in piped.stdout for line in lines)


def test_check_says_once_why_the_recursion_is_inexact(net: Path) -> None:
    net.write_text(DEEP)
    result = run("check", net)
    assert (result.stdout + result.stderr).count("cross terms") == 1
    assert result.stdout.endswith("\nThe recursion is inexact: the warning says why.\n")


def test_what_is_wrapped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Words move to the next line whole; paths, tables and formulas stay as they are."""
    table = Table("", ("name",))
    table.add_row("cell " * 6)
    formula = Text("f " * 15, no_wrap=True)
    parts = ("some words that do not fit", "/a/path/that/is/longer/than/a/line/is", formula, table)
    put(Console(width=20), *parts)
    assert capsys.readouterr().out.splitlines()[:3] == [*parts[:2], formula.plain]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    put(Console(width=20), *parts)
    shown = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in shown[:4]] == ["some words that do", "not fit", parts[1], formula.plain.rstrip()]
    assert ("cell " * 6).rstrip() in shown


@pytest.mark.parametrize("raised", ["'\\x1b[31mred\\x07'", "'\\x9b31m'", "'a\\u202eb'", "'\\udc80'"])
def test_control_characters_are_escaped(net: Path, raised: str) -> None:
    net.write_text(f"raise ValueError({raised})\n")
    error = run("build", net, code=2).stderr
    assert error.startswith("error: net.py:1: the description raised ValueError: ")
    assert all(c.isprintable() or c == "\n" for c in error)
    assert "\\" in error


def test_control_characters_of_names_are_escaped(net: Path) -> None:
    """Those of files, of sympy functions and of modes."""
    odd = net.rename("a\x1b[31mb.py")
    odd.write_text(ICA)
    assert "\x1b" not in run("show", odd).stdout
    assert "\x1b" not in run("build", odd, "--dtype", "\x1b[31m", code=2).stderr
    odd.write_text(
        "import sympy\nimport smgen as sm\n"
        "network = sm.Network(energy=sm.pointwise(sm.input(2), sympy.Function('\\x1b[31m')))\n"
    )
    assert "\\x1b[31m(g) has no usable derivative" in run("show", odd, code=2).stderr
