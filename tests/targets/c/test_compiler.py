"""The compiler, its flags and the BLAS that a user names: errors name the variable, flags leave the numbers alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.targets.c.users import run

COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")

WRONG = {
    "CC is empty": ({"CC": ""}, "CC is empty"),
    "CC is blank": ({"CC": "  "}, "CC is empty"),
    "CC with an open quote": ({"CC": 'gcc "x'}, "CC='gcc \"x' is no command line"),
    "CFLAGS with an open quote": ({"CFLAGS": "-O2 'x"}, 'CFLAGS="-O2 \'x" is no command line'),
    "CC is no program": ({"CC": "no-such-compiler -x"}, "no C compiler 'no-such-compiler'"),
    "CC is a text": ({"CC": "./text"}, "CC: ./text cannot be run (Exec format error)"),
    "CC does nothing": ({"CC": "true"}, "cannot compile net_c.c; CC names another compiler"),
    "CC speaks Latin-1": ({"CC": "./latin1"}, "cannot compile net_c.c; CC names another compiler"),
    "CFLAGS makes no library": ({"CFLAGS": "-c"}, "CC and CFLAGS must make a shared library"),
    "CFLAGS hides the functions": ({"CFLAGS": "-fwhole-program"}, "CC and CFLAGS must make a shared library"),
    "nobody's home": (
        {"SMGEN_CACHE": "~no-such-user/x"},
        "there is no home folder for ~no-such-user/x; set SMGEN_CACHE",
    ),
    "home is no folder": ({"HOME": "/proc/x", "SMGEN_CACHE": "", "XDG_CACHE_HOME": ""}, "set SMGEN_CACHE to a folder"),
    "the cache is a file": ({"SMGEN_CACHE": "net_c.py"}, "set SMGEN_CACHE to a folder"),
    "the cache is below a file": ({"SMGEN_CACHE": "net_c.py/x"}, "set SMGEN_CACHE to a folder"),
    "the cache is too deep": ({"SMGEN_CACHE": "a/" * 1900}, "set SMGEN_CACHE to a folder"),
    "the cache is a device": ({"SMGEN_CACHE": "/dev/null"}, "set SMGEN_CACHE to a folder"),
    "no such BLAS": ({"SMGEN_CBLAS": "./no.so"}, "SMGEN_CBLAS: ./no.so cannot be loaded"),
    "the BLAS is a text": ({"SMGEN_CBLAS": "./net_c.py"}, "SMGEN_CBLAS: ./net_c.py cannot be loaded"),
    "the BLAS has no gemm": ({"SMGEN_CBLAS": "libm.so.6"}, "SMGEN_CBLAS: libm.so.6 has no cblas_sgemm"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_error_names_the_variable(case: str, folder: Path) -> None:
    environment, what = WRONG[case]
    (folder / "text").write_text("\x7fno program", encoding="utf-8")
    (folder / "latin1").write_bytes(b"#!/bin/sh\nprintf 'f\344hler\n' >&2; exit 1\n")
    (folder / "text").chmod(0o755)
    (folder / "latin1").chmod(0o755)
    code = (
        f"import net_c\ntry: net_c.selftest()\nexcept net_c.LibraryError as error: print({what!r} in str(error), error)"
    )
    out, err = run(folder, code, **environment)
    assert out.startswith("True"), out + err
    assert not list((folder / "cache").glob(".*")) if (folder / "cache").exists() else True


FLAGS = ["-ffast-math", "-Ofast", "-O3 -ffinite-math-only -fassociative-math", "-fvisibility=hidden"]


@pytest.mark.parametrize("flags", FLAGS)
def test_flags_that_change_arithmetic_change_nothing(folder: Path, flags: str) -> None:
    code = "import net_c, numpy as np; print(net_c.loss_terms(net_c.init_params(), np.ones((50, 3), np.float32), 0.1))"
    expected, _ = run(folder, code)
    printed, _ = run(folder, code, CFLAGS=flags)
    assert expected
    for a, b in zip(printed.strip("()").split(","), expected.strip("()").split(","), strict=True):
        assert float(a) == pytest.approx(float(b), rel=1e-6)


def test_c_programs_must_not_be_compiled_so(folder: Path, text: str) -> None:
    (folder / "net.c").write_text(text.split("r'''\n")[1].split("'''")[0], encoding="utf-8")
    command = [str(COMPILER), "-std=gnu11", "-Ofast", "-fsyntax-only", "net.c"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "compile without -ffast-math and -Ofast" in result.stderr
