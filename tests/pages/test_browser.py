"""A page in a browser: no errors on the console, no scrolling sideways, something to see."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import smgen as sm
from smgen.pages import page
from tests.pages import trained

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
HEIGHT = 900
MEASURE = """<script>
addEventListener("load", () => {
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll("header, section, section > *")]
    .filter((e) => e.getBoundingClientRect().right > width + 0.5);
  const sizes = [document.documentElement.scrollWidth, width, document.querySelectorAll("math").length, wide.length];
  parent.postMessage(sizes.join(" "), "*");
});
</script></body>"""
AROUND = """<!DOCTYPE html><title>waiting</title><body style="margin:0">
<script>addEventListener("message", (e) => {{ document.title = `measured ${{e.data}}`; }});</script>
<iframe src="{file}" style="border:0;width:{width}px;height:900px"></iframe>"""
"""A page in a frame: windows have a least width."""


def opened(path: Path, folder: Path, width: int, *options: object) -> tuple[str, str]:
    """What Chromium writes to its outputs for a file, with a profile of its own."""
    assert BROWSER is not None
    profile = folder / f"profile-{width}-{len(options)}"
    fixed = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
    command = [BROWSER, *fixed, f"--user-data-dir={profile}", f"--window-size={width},{HEIGHT}"]
    command += ["--enable-logging=stderr", *map(str, options), path.as_uri()]
    environment = os.environ | {"HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    """The first bytes of rows of a PNG, filtered as they are: enough to see whether it is blank."""
    content, at, packed = path.read_bytes(), 8, b""
    while at < len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        packed += content[at + 8 : at + 8 + size] if name == b"IDAT" else b""
        at += size + 12
    return np.frombuffer(zlib.decompress(packed), np.uint8)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 400])
def test_a_page_in_a_browser(width: int, tmp_path: Path) -> None:
    model = trained.patches()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sm.SmgenWarning)
        samples = sm.sample(model, 200)
    text = page(model, data=trained.PATCHES, samples=samples)
    files = [tmp_path / name for name in ("page.html", "measured.html", "around.html")]
    around = AROUND.format(file=files[1].name, width=width)
    for file, content in zip(files, (text, text.replace("</body>", MEASURE), around), strict=True):
        file.write_text(content, encoding="utf-8")
    picture = tmp_path / "page.png"
    _, log = opened(files[0], tmp_path, width, f"--screenshot={picture}")
    assert "CONSOLE" not in log, log
    assert len(np.unique(pixels(picture))) > 30
    dom, log = opened(files[2], tmp_path, 1400, "--dump-dom", "--virtual-time-budget=2000")
    assert "CONSOLE" not in log, log
    found = re.search(r"<title>measured (\d+) (\d+) (\d+) (\d+)</title>", dom)
    assert found is not None
    across, shown, formulas, wide = map(int, found.groups())
    assert shown == width
    assert across <= shown
    assert wide == 0
    assert formulas > 0
