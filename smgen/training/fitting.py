"""`smgen.fit`: from a network and samples to a trained model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from rich.console import Console

from smgen.build import Options
from smgen.data.batches import Batch
from smgen.errors import BuildError, did_you_mean
from smgen.models import Model, Record, save, tensors
from smgen.training import checkpoints, lbfgs, loop
from smgen.training.preparation import BATCH, FUNCTIONS, MEMORY, Prepared, machine, prepare
from smgen.training.progress import Display, Saver, Together
from smgen.training.regulariser import choose
from smgen.training.resuming import CHECKPOINTS, claim, restore, run_text
from smgen.training.samples import DataOptions
from smgen.training.settings import Settings
from smgen.training.state import State
from smgen.training.team import team

OPTIMISERS: Final = {"adam": loop.run, "lbfgs": lbfgs.run}
_BUILD: Final = ("backend", "dtype", "hessian", "probes", "distribution", "memory", "objective")


def fit(
    network: object,
    data: object,
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    save_every: float = 30.0,
    console: Console | None = None,
    **options: Any,
) -> Model:
    """Train a network on samples by score matching; the model with the least held-out loss.

    `network` is the path of a net.py, an sm.Network, or a generated module of any backend. `data` is an array (N, …),
    the path of an .npy, .npz, .csv, .parquet, .h5 or .zarr file or of a folder of images, or a dict of these with "x"
    and the network's conditions. `options` are those of the build (`backend`, by default C where it runs and NumPy
    elsewhere, `dtype`, `hessian`, `probes`, `objective` …), of the data (`DataOptions`: `whiten`, `held_out` …) and of
    the training (`Settings`: `steps`, `rate`, `lam`, `sigma`, `seed` …).

    Of several objectives with commas, the first is trained for; the module has losses for all.

    With `folder`, checkpoints, at least `save_every` seconds apart, and the model are written there; `resume` goes on
    from the latest checkpoint, with the same result as if the run had not been interrupted. Ctrl-C ends the run and
    keeps the best so far. Raises `SmgenError` for wrong options and data before anything is computed or written; warns
    with `DataWarning` of flaws of the data, and as `smgen build` does.
    """
    trained = train(
        network,
        data,
        folder=folder,
        resume=resume,
        force=force,
        save_every=save_every,
        console=console,
        **options,
    )
    return trained.model


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, and the samples that were held out, in the network's coordinates."""

    model: Model
    held_out: Batch | None


def train(
    network: object,
    data: object,
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    save_every: float = 30.0,
    console: Console | None = None,
    **options: Any,
) -> Trained:
    """What `fit` does, with the samples that were held out beside the model."""
    chosen = divided(options)
    if isinstance(network, ModuleType) and (given := [name for name in _BUILD[:-1] if options.get(name) is not None]):
        what = f"{', '.join(given)}: options of a build, where the network is a module that is built"
        raise BuildError(what=what, hint="give the path of its net.py, or leave them out")
    if folder is not None:
        tensors.require()
    ranks = team()
    prepared = prepare(network, data, *chosen, first_named(options.get("objective")), ranks)
    say = _teller(None if ranks.rank else console)
    place = None if folder is None else Path(folder)
    if place is not None and not ranks.rank:
        claim(place, resume, force, say)
    ranks.agree(0.0, False)  # nobody goes on before the first process has looked
    settings, split = prepared.settings, prepared.split
    state = State.start(prepared.problem.module, prepared.problem.module.init_params(settings.seed))
    found = checkpoints.latest(place / CHECKPOINTS) if place is not None and resume else None
    lam = settings.lam
    if found is not None:
        lam = restore(state, found, prepared)
    elif lam is None:
        lam = choose(prepared.problem, split, settings, say)
    prepared = replace(prepared, problem=replace(prepared.problem, lam=lam))
    assert settings.batch_size is not None
    display = Display(console=None if ranks.rank else console, steps=settings.steps, batch_size=settings.batch_size)
    of = {"of": run_text(prepared), "lam": repr(lam)}
    saver = () if place is None or ranks.rank else (Saver(folder=place / CHECKPOINTS, of=of, every=save_every),)
    with display:
        run = OPTIMISERS[settings.optimiser]
        run(prepared.problem, split.training, split.held_out, settings, state, Together((display, *saver)))
    model = _model(prepared, state)
    if place is not None and not ranks.rank:
        save(model, place)
    return Trained(model, split.held_out)


def divided(options: dict[str, Any]) -> tuple[Options | None, Options, DataOptions, Settings]:
    """The options by what they are for; the first are those to try before the second, if the backend is not named.

    Raises `BuildError` for an unknown one, and for values out of range.
    """
    known = {"build": _BUILD, "data": _names(DataOptions), "training": _names(Settings)}
    names = [name for members in known.values() for name in members]
    for name in options:
        if name not in names:
            raise BuildError(
                what=f"{name}: no such option{did_you_mean(name, names)}", hint=f"one of {', '.join(names)}"
            )
    build, data, training = ({n: v for n, v in options.items() if n in members} for members in known.values())
    settings = Settings(**training)
    backend = build.pop("backend", None)
    common: dict[str, Any] = {
        "memory": MEMORY,
        "batch_size": settings.batch_size or BATCH,
        "functions": FUNCTIONS,
    } | build
    first = Options(backend="c", **common) if backend is None else None
    return first, Options(backend=backend or "numpy", **common), DataOptions(**data), settings


def first_named(objective: Any) -> str | None:
    """The objective to train for: of several with commas, the first."""
    return None if objective is None else str(objective).split(",")[0].strip()


def _names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def _teller(console: Console | None) -> Callable[[str], None]:
    return lambda text: None if console is None else console.print(text, highlight=False)


def _model(prepared: Prepared, state: State) -> Model:
    settings, problem = prepared.settings, prepared.problem
    has_best = prepared.split.held_out is not None and state.best_loss < inf
    held_out = 0 if prepared.split.held_out is None else len(prepared.split.held_out.x)
    vector = state.best if has_best else state.average if settings.average else state.flat.vector
    record = Record(
        network=prepared.name,
        fingerprint=prepared.fingerprint,
        module=prepared.module_file,
        shape=prepared.shape,
        sample_shape=prepared.sample_shape,
        objective=problem.objective.name,
        build=prepared.build,
        training=asdict(settings) | {"lam": problem.lam, "lam_was_chosen": settings.lam is None},
        data={
            "origin": prepared.origin,
            "rows": prepared.rows,
            "learned_from": prepared.rows - held_out,
            "held_out": held_out,
            "advice": list(prepared.advice),
        },
        verdict=problem.module.METADATA["reason"],
        history=[asdict(entry) for entry in state.history],
        result={
            "stopped": state.stopped,
            "steps": state.step,
            "best_step": state.best_step,
            "held_out": state.best_loss if has_best else None,
            "seconds": state.seconds,
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        },
        machine=machine(),
    )
    return Model(
        params=state.params(vector),
        transform=prepared.transform,
        record=record,
        module=problem.module,
        network=prepared.network,
        source=prepared.network_text,
        code=prepared.code,
    )
