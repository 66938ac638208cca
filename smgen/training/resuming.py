"""The folder of a run: taken only if it is a model's, or new; and going on in it from a checkpoint of the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from smgen.errors import BuildError
from smgen.files import write_bytes
from smgen.models.folder import RECORD
from smgen.training import checkpoints
from smgen.training.preparation import Prepared
from smgen.training.state import State

CHECKPOINTS: Final = "checkpoints"


def claim(folder: Path, resume: bool, force: bool, say: Callable[[str], None]) -> None:
    """The folder of a model, made if need be. Raises `BuildError` if it cannot be written, or is of something else."""
    try:
        names = {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        names = set()
    except OSError as error:
        raise BuildError(origin=str(folder), what=f"is no folder: {error.strerror}", hint="name another one") from None
    is_ours = bool(names & {CHECKPOINTS, RECORD})
    if names and not (force or (resume and is_ours)):
        if resume:
            raise BuildError(origin=str(folder), what="no run in it to resume", hint="name the folder of a run")
        hint = "name another folder, --resume the run in it, or --force"
        raise BuildError(origin=str(folder), what="exists and is not empty", hint=hint)
    if resume and not checkpoints.numbered(folder / CHECKPOINTS):
        say(f"no checkpoint in {folder}: training from the start")
    write_bytes(folder / ".writable", b"")
    (folder / ".writable").unlink()
    if force and not resume and is_ours:  # what is left of another model would mislead
        stale = [folder / name for name in (RECORD, "report.html", "samples.npy")]
        for path in (*checkpoints.numbered(folder / CHECKPOINTS), *stale):
            path.unlink(missing_ok=True)


def run_text(prepared: Prepared) -> str:
    """What must be the same for a run to go on: all that its numbers depend on."""
    facts = {
        "network": prepared.fingerprint,
        "build": prepared.build,
        "settings": asdict(prepared.settings),
        "data": [prepared.rows, *prepared.sample_shape, prepared.digest],
        "processes": prepared.problem.team.size,
    }
    return json.dumps(facts, sort_keys=True)


def restore(state: State, found: tuple[Path, dict[str, Any], dict[str, str]], prepared: Prepared) -> float:
    """Go on from a checkpoint, with its λ. Raises `BuildError` if it is of another run."""
    path, arrays, texts = found
    before, now = json.loads(texts.get("of", "{}")), json.loads(run_text(prepared))
    differing = [
        f"{name} is {now[group][name]!r}, was {before[group][name]!r}"
        for group in ("build", "settings")
        for name in now[group]
        if name in before.get(group, {}) and before[group][name] != now[group][name]
    ]
    if before != now:
        others = "; ".join(differing) or "the network, the data or the number of processes are others"
        what = f"a checkpoint of another run: {others}"
        raise BuildError(origin=str(path), what=what, hint="give the same options and data as then, or another folder")
    state.restore(arrays, texts)
    return float(texts["lam"])
