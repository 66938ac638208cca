"""Random damage to libraries and modules, and processes killed at random moments: refused or mended, never obeyed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smgen.build import Options, build
from smgen.errors import BuildError

pytestmark = pytest.mark.fuzz
NET = """import smgen as sm

network = sm.Network(energy=sm.logcosh(sm.linear(sm.input(4), 6)))
"""
USE = """
import numpy as np, net_c as net
x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4)
print(repr(float(net.loss(net.init_params(), x))))
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(NET, encoding="utf-8")
    return path


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Bits flipped, cut off, doubled, or with other bytes inside."""
    where = int(rng.integers(len(content)))
    match int(rng.integers(4)):
        case 0:
            changed = bytearray(content)
            for k in rng.integers(len(content), size=int(rng.integers(1, 50))):
                changed[k] ^= 1 << int(rng.integers(8))
            return bytes(changed)
        case 1:
            return content[:where]
        case 2:
            return content + content[where:]
        case _:
            return content[:where] + rng.bytes(int(rng.integers(1, 100))) + content[where:]


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_modules(net: Path, backend: str, rounds: Iterator[np.random.Generator]) -> None:
    options = Options(backend=backend)
    path = build(net, options=options).path
    good = path.read_bytes()
    for rng in rounds:
        path.write_bytes(damaged(good, rng))
        if path.read_bytes() == good:
            continue
        try:
            assert build(net, options=options).changes
        except BuildError:  # its first line is damaged: not ours any more
            assert path.read_bytes() != good
            assert build(net, options=options, force=True).changes == ("forced",)
        assert path.read_bytes() == good


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_libraries(net: Path, rounds: Iterator[np.random.Generator]) -> None:
    build(net, options=Options(backend="c"))
    cache = net.parent / "cache"
    right = use(net)
    (library,) = cache.glob("*.so")
    good = library.read_bytes()
    for rng in rounds:
        library.write_bytes(damaged(good, rng))
        assert use(net) == right
        for other in cache.glob("*.so"):
            if other != library:
                other.unlink()
        library.write_bytes(good)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_kills(net: Path, rounds: Iterator[np.random.Generator]) -> None:
    command = [sys.executable, "-m", "smgen", "build", str(net), "--backend", "c", "--force"]
    build(net, options=Options(backend="c"))
    right, cache = use(net), net.parent / "cache"
    for rng in rounds:
        shutil.rmtree(cache)
        for started in (start(net, command), start(net, [sys.executable, "-c", USE])):
            time.sleep(float(rng.uniform(0.05, 1.5)))
            started.send_signal(signal.SIGKILL)
            started.communicate()
        assert use(net) == right
        assert {path.suffix for path in cache.iterdir()} == {".so"}


def start(net: Path, command: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"SMGEN_CACHE": str(net.parent / "cache"), "CFLAGS": "-O0"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=net.parent, env=environment, stdout=pipe, stderr=pipe, text=True)


def use(net: Path) -> str:
    """What a process computes with the module."""
    process = start(net, [sys.executable, "-c", USE])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out
