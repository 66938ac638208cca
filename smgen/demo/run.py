"""The demonstration: learn filters, learn a denoiser, compare it, draw, write. All learning is by `smgen.fit`.

learn_filters       photographs → filters of 12×12 patches, and of 8×8 ones as in Hyvärinen (2005)
learn_denoiser      photographs → Denoiser
compare_denoisers   Denoiser    → its PSNR and that of scikit-image's denoisers, panels of a picture
draw, save          → filters.png, denoised.png, results.json, and the models' folders
"""

from __future__ import annotations

import time
import warnings
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

from rich.console import Console

from smgen.demo.plan import FULL, QUICK
from smgen.demo.requirements import require
from smgen.demo.results import Results
from smgen.errors import BuildError
from smgen.models import save
from smgen.training.samples import DataWarning


def run(out_dir: Path, seed: int = 0, quick: bool = False, console: Console | None = None) -> Results:
    """Run the demonstration; pictures, numbers and models go to `out_dir`.

    The same seed gives the same numbers on the same machine. Progress is shown on `console`, if there is one. Raises
    `DemoUnavailable` if a package is missing, `BuildError` if the folder cannot be made, before anything is computed.
    """
    require()
    from smgen.demo import stages

    began, plan = time.perf_counter(), QUICK if quick else FULL
    _make_folder(out_dir)
    photographs = stages.Photographs.read()
    titles = list(plan.parts)
    with _one_thread(), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DataWarning
        )  # photographs have heavy tails: that is what filters are learned from
        _say(console, titles[0])
        learned, filters = stages.learn_filters(plan.filters, photographs, seed, console)
        _say(console, titles[1])
        _, small = stages.learn_filters(plan.small, photographs, seed, console)
        _say(console, titles[2])
        denoiser, denoising = stages.learn_denoiser(plan.denoiser, photographs, seed, console)
        _say(console, "comparison with scikit-image")
        images, panels = stages.compare_denoisers(denoiser, photographs, seed)
    for model in (learned.model, denoiser.model):
        save(model, out_dir / model.record.network)
    files = (*stages.draw(out_dir, learned, panels), out_dir / "results.json")
    results = Results(
        seed=seed,
        quick=quick,
        filters=filters,
        small=small,
        denoiser=denoising,
        images=images,
        seconds=time.perf_counter() - began,
        files=tuple(str(path) for path in files),
    )
    results.save(files[-1])
    return results


def _make_folder(out_dir: Path) -> None:
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder cannot be made: {error.strerror}"
        raise BuildError(origin=str(out_dir), what=what, hint="name another one") from None


def _one_thread() -> AbstractContextManager[object]:
    """BLAS on one thread.

    A step's products take a millisecond. A second thread saves about a quarter on an idle machine; on a busy one the
    threads spin while they wait for each other, and a step takes three to ten times as long.
    """
    limit: AbstractContextManager[object] = import_module("threadpoolctl").threadpool_limits(1, user_api="blas")
    return limit


def _say(console: Console | None, title: str) -> None:
    if console is not None:
        console.print(title, style="bold")
