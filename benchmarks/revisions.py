"""What changed since an earlier commit, in numbers and in speed: python -m benchmarks.revisions COMMIT

Both trees build modules of the networks A–F with the diagonal recursion, and of C and D with the full Hessian. Their
scores, δ′, K, L and gradients are compared, then their steps are timed in turns in one process. A ratio below 1 says
that this tree is faster than the commit; it is the median of the ratios within a round. `apart` is the largest
difference of a result, relative to the largest number of that result.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from rich.console import Console
from rich.table import Table

from smgen.bench.processes import environment
from smgen.bench.results import geometric_mean, machine
from smgen.bench.worker import turn
from smgen.loader import load

HERE: Final = Path(__file__).resolve().parents[1]

CASES: Final = (
    ("A", "diagonal", 1024),
    ("B", "diagonal", 128),
    ("C", "diagonal", 1024),
    ("D", "diagonal", 128),
    ("E", "diagonal", 1024),
    ("F", "diagonal", 1024),
    ("C", "exact", 256),
    ("D", "exact", 32),
)
"""Network, mode and samples."""

LAMBDAS: Final = (0.0, 0.1)


def unpacked(commit: str, folder: Path) -> Path:
    """The tree of a commit. Raises `SystemExit` if git knows no such commit."""
    done = subprocess.run(["git", "archive", commit], cwd=HERE, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"benchmarks.revisions: git has no tree of {commit!r}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def module(tree: Path, folder: Path, network: str, mode: str, backend: str, dtype: str) -> ModuleType:
    """What this tree makes of a network, imported."""
    name = f"{network.lower()}_{mode}"
    net = folder / f"{name}.py"
    net.write_text(f"from benchmarks.networks import NETWORKS\n\nnetwork = NETWORKS[{network!r}]()\n", encoding="utf-8")
    command = [sys.executable, "-m", "smgen", "build", str(net), "--force", "--backend", backend]
    options = ["--dtype", dtype, "--hessian", mode, "--batch-size", "1024"]
    paths = os.pathsep.join([str(tree), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run(
        [*command, *options],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise SystemExit(f"{tree}: {' '.join(command[2:])} failed:\n{found.stdout}{found.stderr}")
    (path,) = folder.glob(f"{name}_*{backend}.py")
    return load(path)


def results(built: ModuleType, params: dict[str, Any], x: Any) -> list[Any]:
    """Score, δ′, and K, L and the gradient of J for both λ. J itself may be a small difference of K and −L."""
    found = [built.score(params, x), built.hessian_diagonal(params, x)]
    for lam in LAMBDAS:
        found += [np.asarray(term) for term in built.loss_terms(params, x, lam)]
        found += built.loss_and_grad(params, x, lam)[1].values()
    return found


def apart(old: list[Any], new: list[Any]) -> float:
    """The largest difference of a result, relative to its largest number."""
    return max(float(np.abs(a - b).max() / (np.abs(a).max() or 1.0)) for a, b in zip(old, new, strict=True))


def timed(
    pair: list[ModuleType], params: dict[str, Any], x: Any, lam: float, settings: argparse.Namespace
) -> tuple[float, float]:
    """Milliseconds of the old step, and the new one's time relative to it."""
    workspaces = [built.Workspace() for built in pair]

    def one(k: int) -> float:
        found = turn(lambda: pair[k].loss_and_grad(params, x, lam, workspace=workspaces[k]), settings.seconds)
        return median(found)

    one(0), one(1)
    rounds = []
    for number in range(settings.rounds):
        times = {k: one(k) for k in ((0, 1) if number % 2 else (1, 0))}
        rounds.append((times[0], times[1]))
    return 1e3 * median(a for a, _ in rounds), median(b / a for a, b in rounds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("--backends", nargs="+", default=["numpy", "c"], choices=["numpy", "c"])
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.05, help="of a turn")
    settings = parser.parse_args()
    console = Console(width=120, highlight=False)
    console.print(machine())
    table = Table("case", "backend", "λ", "old, ms", "new / old", "apart")
    ratios: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="smgen-revisions-") as place,
        patch.dict(os.environ, environment(Path(place) / "cache"), clear=True),
    ):
        trees = [unpacked(settings.commit, Path(place) / "tree"), HERE]
        folders = [Path(place) / "old", Path(place) / "new"]
        for folder in folders:
            folder.mkdir()
        for network, mode, samples in CASES:
            for backend in settings.backends:
                pair = [
                    module(t, f, network, mode, backend, settings.dtype) for t, f in zip(trees, folders, strict=True)
                ]
                params = pair[0].init_params(0)
                x = np.random.default_rng(0).standard_normal((samples, pair[0]._D)).astype(pair[0].DTYPE)
                difference = apart(*(results(built, params, x) for built in pair))
                for lam in LAMBDAS:
                    before, ratio = timed(pair, params, x, lam, settings)
                    ratios.setdefault(backend, []).append(ratio)
                    case = f"{network}, {mode}, N = {samples}"
                    table.add_row(case, backend, f"{lam:g}", f"{before:.2f}", f"{ratio:.3f}", f"{difference:.1e}")
    console.print(table)
    for backend, found in ratios.items():
        span = f"{min(found):.3f} to {max(found):.3f}"
        console.print(f"{backend}: geometric mean of new / old {geometric_mean(found):.3f} ({span})")


if __name__ == "__main__":
    main()
