"""Descriptions with a mistake, and the error that tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smgen.build import Options, compiled
from smgen.errors import SmgenError

HEAD = "import math, sys\nimport numpy, sympy\nimport smgen as sm\nx = sm.input(3)\nh = sm.linear(x, 4)\n"
"""Five lines: what a case adds begins in line 6."""


def refusal(folder: Path, body: str, line: int | None = 6) -> SmgenError:
    """The error of loading and compiling HEAD and `body`, in a file; it must have an origin, a text and a hint."""
    net = folder / "net.py"
    net.write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(SmgenError) as caught:
        compiled(net, Options())
    error = caught.value
    assert error.origin == ("net.py" if line is None else f"net.py:{line}"), error
    assert error.what
    assert error.hint
    assert str(error) == f"{error.origin}: {error.what}\n  hint: {error.hint}"
    assert list(folder.iterdir()) == [net]
    return error
