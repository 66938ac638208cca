"""The cache of compiled libraries: damaged, shared, unwritable, killed halfway."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.targets.c.users import USE, run, start

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
LAZY = "encodings.ascii, os, shlex, shutil, platform, subprocess, tempfile, numpy.random, scipy_openblas32, net_c"
READY = "gemm = net_c._gemm(); net_c._gemm = lambda: gemm; net_c.np.ma"  # what others may not read is read before
AS_NOBODY = f"import {LAZY}; {READY}; os.setuid(65534); "


def libraries(folder: Path) -> list[Path]:
    return sorted((folder / "cache").glob("*.so"))


def test_a_line_says_that_it_compiles_and_a_second_process_finds_the_library(folder: Path) -> None:
    out, err = run(folder)
    assert out == "True"
    assert err.startswith("smgen: compiling the C of ")
    (library,) = libraries(folder)
    before = library.stat().st_mtime_ns
    assert run(folder) == ("True", "")
    assert library.stat().st_mtime_ns == before


def test_a_damaged_library_is_made_anew(folder: Path) -> None:
    run(folder)
    (library,) = libraries(folder)
    good = library.read_bytes()
    rng = random.Random(0)
    damages = [b"", good[:100], good[: len(good) // 2], good[:-1], good + b"\0"]
    for _ in range(5):
        bytes_ = bytearray(good)
        for _ in range(rng.choice([1, 3, 1000])):
            bytes_[rng.randrange(len(bytes_))] ^= 1 << rng.randrange(8)
        damages.append(bytes(bytes_))
    for damaged in damages:
        library.write_bytes(damaged)
        assert run(folder)[0] == "True"
        assert any(path.read_bytes() == good for path in libraries(folder)) or len(libraries(folder)) > 1


def test_a_library_that_cannot_be_read_is_made_anew(folder: Path) -> None:
    run(folder)
    (library,) = libraries(folder)
    library.unlink()
    library.mkdir()  # what even root cannot read as a file
    assert "SMGEN_CACHE" in run(folder)[1]
    library.rmdir()
    assert run(folder)[0] == "True"


@pytest.mark.skipif(not ROOT, reason="only root has two users")
def test_a_second_user_reads_what_the_first_compiled(folder: Path) -> None:
    for path in (*reversed(folder.parents), folder):
        if str(path).startswith("/tmp/pytest"):
            path.chmod(0o755)
    old = os.umask(0o022)
    try:
        run(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(libraries(folder)[0].stat().st_mode) == 0o755
    assert run(folder, AS_NOBODY + USE) == ("True", "")
    _, err = run(folder, AS_NOBODY + USE, CFLAGS="-O1")
    assert "SMGEN_CACHE" in err
    assert "cannot be written to (Permission denied)" in err


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777, 0o757])
def test_a_folder_that_others_can_write_to_is_refused(folder: Path, mode: int) -> None:
    (folder / "cache").mkdir()
    (folder / "cache").chmod(mode)
    out, err = run(folder)
    assert out == ""
    assert "LibraryError: SMGEN_CACHE: others can write to " in err
    assert "chmod go-w" in err


def test_the_users_own_folder_is_made_safe(folder: Path) -> None:
    own = folder / "home" / ".cache" / "smgen"
    own.mkdir(parents=True)
    own.chmod(0o775)
    assert run(folder, HOME=str(folder / "home"), XDG_CACHE_HOME="", SMGEN_CACHE="")[0] == "True"
    assert stat.S_IMODE(own.stat().st_mode) == 0o755


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2> >(true)"])
def test_it_compiles_though_nobody_reads_the_line(folder: Path, where: str) -> None:
    environment = os.environ | {"SMGEN_CACHE": str(folder / "cache"), "CFLAGS": "-O0", "PYTHONPATH": str(folder)}
    command = ["bash", "-c", f'"$0" -c "$1" {where}', sys.executable, USE]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "True"


@pytest.mark.skipif(not ROOT, reason="changing the user is root's")
def test_without_a_home_no_folder_of_its_own_is_made(folder: Path) -> None:
    environment = {"HOME": "", "XDG_CACHE_HOME": "", "SMGEN_CACHE": ""}
    code = f"import {LAZY}; {READY}; os.environ.pop('HOME'); os.setuid(12345); " + USE
    out, err = run(folder, code, **environment)
    assert out == ""
    assert "LibraryError: no cache for compiled libraries: there is no home folder" in err
    assert not (folder / "~").exists()


@pytest.mark.skipif(not ROOT, reason="mounting is root's")
def test_a_folder_that_nothing_may_run_from(folder: Path) -> None:
    cache = folder / "cache"
    cache.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,mode=755", "tmpfs", cache], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        out, err = run(folder)
        assert out == ""
        assert "SMGEN_CACHE: programs may not run from" in err
    finally:
        subprocess.run(["umount", cache], check=True)


def test_the_c_text_must_be_the_one_that_was_generated(folder: Path, text: str) -> None:
    (folder / "net_c.py").write_text(
        text.replace("sum_delta_squared / at->N * 0.5", "sum_delta_squared / at->N * 0.6"), encoding="utf-8"
    )
    out, err = run(folder)
    assert out == ""
    assert "LibraryError: the C in this module is not what was generated" in err


@pytest.mark.slow
def test_killed_at_any_moment_a_compilation_harms_nobody(folder: Path) -> None:
    start_time = time.perf_counter()
    run(folder)
    whole = time.perf_counter() - start_time
    rng = random.Random(1)
    for _ in range(12):
        shutil.rmtree(folder / "cache")
        process = start(folder)
        time.sleep(rng.uniform(0.05, 1.1) * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert run(folder)[0] == "True"
        assert [path.suffix for path in (folder / "cache").iterdir()] == [".so"], list((folder / "cache").iterdir())


def test_what_a_killed_compilation_of_another_module_left_is_swept(folder: Path) -> None:
    cache = folder / "cache"
    (cache / ".compiling-0123-abc").mkdir(parents=True)
    (cache / ".compiling-0123-abc" / "library.so").write_bytes(b"half")
    (cache / ".lock-0123").touch()
    assert run(folder)[0] == "True"
    assert [path.suffix for path in cache.iterdir()] == [".so"]


def test_what_a_compilation_left_that_was_killed_at_its_end_is_swept(folder: Path) -> None:
    run(folder)
    library = next((folder / "cache").iterdir())
    key = library.name.split("-")[1]
    (folder / "cache" / f".compiling-{key}-abc").mkdir()
    (folder / "cache" / f".lock-{key}").touch()
    out, err = run(folder)
    assert (out, err) == ("True", "")
    assert list((folder / "cache").iterdir()) == [library]


def test_a_compilation_under_way_is_not_swept(folder: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    cache = folder / "cache"
    (cache / ".compiling-0123-abc").mkdir(parents=True)
    with (cache / ".lock-0123").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(folder)[0] == "True"
        assert (cache / ".compiling-0123-abc").exists()


def test_modules_that_start_at_once_leave_the_environment_as_it_was(folder: Path, text: str) -> None:
    for k in range(6):
        (folder / f"net{k}.py").write_text(text, encoding="utf-8")
    code = """
import importlib, os, sys, threading
import numpy as np

sys.setswitchinterval(1e-6)
modules = [importlib.import_module(f"net{k}") for k in range(6)]
barrier, errors = threading.Barrier(6), []


def first(module):
    barrier.wait()
    try:
        module.loss(module.init_params(), np.ones((5, 3), np.float32))
    except BaseException as error:
        errors.append(error)


threads = [threading.Thread(target=first, args=(module,)) for module in modules]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(errors, os.environ.get("OPENBLAS_NUM_THREADS"))
"""
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"}
    environment |= {"SMGEN_CACHE": str(folder / "cache"), "CFLAGS": "-O0", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code]
    for _ in range(3):
        result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "[] None"
