"""What C is handed lives until C is done: the whole API under AddressSanitizer, with arrays of every layout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smgen.build import Options, build_info, sources
from smgen.network import Network
from tests.networks import CATALOGUE
from tests.targets.c.test_windows import wide

COMPILER = shutil.which("gcc")
pytestmark = [pytest.mark.skipif(COMPILER is None, reason="no gcc"), pytest.mark.slow]

CALLS = """
import gc, sys
import numpy as np
import net_c as net

ROWS, D = int(sys.argv[1]), net._D
rng = np.random.default_rng(0)
whole = rng.standard_normal((2 * ROWS, 2 * D)).astype(net.DTYPE)


class Frame:
    "Columns of a table, as pandas keeps them: a row of a block for each."

    def __init__(self, columns):
        self.block = np.ascontiguousarray(columns.T)

    def to_numpy(self):
        return self.block.T


LAYOUTS = {
    "contiguous": lambda: whole[:ROWS, :D].copy(),
    "rows": lambda: whole[::2, :D],
    "columns": lambda: whole[:ROWS, ::2],
    "Fortran": lambda: np.asfortranarray(whole[:ROWS, :D]),
    "transposed": lambda: np.ascontiguousarray(whole[:ROWS, :D].T).T,
    "backwards": lambda: whole[:ROWS][::-1, D - 1 :: -1] if D > 1 else whole[:ROWS][::-1, :D],
    "read-only": lambda: np.frombuffer(whole[:ROWS, :D].tobytes(), net.DTYPE).reshape(ROWS, D),
    "frame": lambda: Frame(whole[:ROWS, :D]).to_numpy(),
    "freed at once": lambda: np.concatenate([whole[:ROWS, :D], whole[:ROWS, :D]])[::2],
    "unaligned": lambda: np.frombuffer(b"0" + whole[:ROWS, :D].tobytes(), net.DTYPE, offset=1).reshape(ROWS, D),
}
PROBES = net.METADATA.get("probes")


def results(x, params):
    given = {} if PROBES is None else {"probes": layout(np.asarray(net.draw_probes(len(x), 1)))}
    lams = (0.0, 0.1) if PROBES != 1 else (0.0,)
    yield net.energy(params, x)
    yield net.score(params, x)
    yield net.hessian_diagonal(params, x, **given)
    for lam in lams:
        yield net.loss(params, x, lam, **given)
        yield net.loss_terms(params, x, lam, **given)
        J, gradient = net.loss_and_grad(params, x, lam, **given)
        yield J
        yield from gradient.values()
        K, L, dK, dL = net.loss_and_grad_terms(params, x, lam, **given)
        yield from (K, L, *dK.values(), *dL.values())


def layout(array):
    twice = np.repeat(array, 2, axis=0)
    return twice[::2]


for name, make in LAYOUTS.items():
    params = net.init_params(0)
    strided = {key: layout(value) for key, value in params.items()}
    expected = list(results(np.array(make()), params))
    for given in (params, strided):
        for ours, theirs in zip(results(make(), given), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
    gc.collect()
    spoiled = np.array(make())
    spoiled[ROWS - 1, D - 1] = np.nan
    try:
        net.loss(params, np.asfortranarray(spoiled))
    except ValueError as error:
        assert f"got nan at [{ROWS - 1}, {D - 1}]" in str(error), error
    else:
        sys.exit(f"{name}: a NaN was missed")
print("sound")
"""


def library(name: str) -> str:
    printed = subprocess.run([str(COMPILER), f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return printed.stdout.strip()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ica", Options(backend="c")),
        ("deep", Options(backend="c", dtype="float64", hessian="exact")),
        ("deep", Options(backend="c", dtype="float32", hessian="hutchinson", probes=2)),
        ("windows", Options(backend="c")),
    ],
    ids=["diagonal", "exact", "hutchinson", "windows"],
)
def test_every_layout_under_address_sanitizer(name: str, options: Options, tmp_path: Path) -> None:
    if not Path(library("libasan.so")).exists():
        pytest.skip("no AddressSanitizer")
    network: Network = wide() if name == "windows" else CATALOGUE[name]()
    text = sources(network, build_info(network, Path("net.py"), options))[".py"]
    (tmp_path / "net_c.py").write_text(text, encoding="utf-8")
    environment = os.environ | {
        "LD_PRELOAD": library("libasan.so"),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "CFLAGS": "-fsanitize=address -g -O1 -DWORTH_THREADS=0 -DMOST_ROWS=64",
        "CC": str(COMPILER),
        "SMGEN_CACHE": str(tmp_path / "cache"),
    }
    command = [sys.executable, "-W", "error", "-c", CALLS, "5" if name == "windows" else "4000"]
    for threads in ("1", "2"):
        environment["OMP_NUM_THREADS"] = threads
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{threads}: {result.stderr[-4000:]}"
        assert result.stdout == "sound\n"
