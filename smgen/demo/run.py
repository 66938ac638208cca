"""The demonstration: compile three networks, learn filters, learn a denoiser, compare it, draw, write.

learn_filters       photographs → filters of 12×12 patches, and of 8×8 ones as in Hyvärinen (2005)
learn_denoiser      photographs → Denoiser
compare_denoisers   Denoiser    → its PSNR and that of scikit-image's denoisers, panels of a picture
draw, save          → filters.png, denoised.png, results.json
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from smgen.build import Options, build
from smgen.demo.plan import FULL, QUICK, Part
from smgen.demo.requirements import require
from smgen.demo.results import Results
from smgen.errors import BuildError
from smgen.loader import load

NETS: Final = Path(__file__).resolve().parent / "nets"
Outcome = TypeVar("Outcome")


def build_module(net_path: Path, out_dir: Path, dtype: str) -> ModuleType:
    """Compile the description into `out_dir` and import the module."""
    return load(build(net_path, out_dir, Options(dtype=dtype)).path)


def run(out_dir: Path, seed: int = 0, quick: bool = False, console: Console | None = None) -> Results:
    """Run the demonstration; pictures, numbers and the generated modules go to `out_dir`.

    The same seed gives the same numbers on the same machine. Progress is shown on `console`, if there is one. Raises
    `DemoUnavailable` if a package is missing, `BuildError` if the folder cannot be made, before anything is computed.
    """
    require()
    from smgen.demo import stages

    began, plan = time.perf_counter(), QUICK if quick else FULL
    _make_folder(out_dir)
    photographs = stages.Photographs.read()
    with _one_thread(), _progress(console) as progress:
        ticks = {part: _ticker(progress, title, part.training.steps) for title, part in plan.parts.items()}
        compared = _ticker(progress, "comparison with scikit-image", stages.METHODS * len(photographs.held_out))

        def learn(
            stage: Callable[[ModuleType, Part, stages.Photographs, int, Callable[[], None]], Outcome], part: Part
        ) -> Outcome:
            module = build_module(NETS / f"{part.net}.py", out_dir, "float32")
            return stage(module, part, photographs, seed, ticks[part])

        learned, filters = learn(stages.learn_filters, plan.filters)
        _, small = learn(stages.learn_filters, plan.small)
        denoiser, denoising = learn(stages.learn_denoiser, plan.denoiser)
        images, panels = stages.compare_denoisers(denoiser, photographs, seed, compared)
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


def _progress(console: Console | None) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, disable=console is None)


def _ticker(progress: Progress, title: str, steps: int) -> Callable[[], None]:
    """A line of the display, whose clock starts at the first tick, and what advances it."""
    task = progress.add_task(title, start=False, total=steps)

    def tick() -> None:
        progress.start_task(task)
        progress.advance(task)

    return tick
