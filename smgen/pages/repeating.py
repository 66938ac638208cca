"""Everything that is needed to repeat the run: the command, the data, the settings, the machine, and net.py."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields
from math import isclose
from typing import Any, Final

from smgen.models import Model
from smgen.pages.blocks import Block, Code, Notes, Section, Table, Terms
from smgen.pages.numbers import UNKNOWN, count, duration, number, sentence, shape
from smgen.pages.subject import Subject
from smgen.training.settings import Settings

_BUILD: Final = {"dtype": "float32", "hessian": None, "probes": 1, "distribution": "rademacher", "memory": 1024}
"""The options of the module that `smgen fit` has, with their defaults."""

_ARRAYS: Final = ("data", "x")
"""The origins of samples that were no file."""


def data_section(subject: Subject) -> Section:
    """The data: where they are from, what was done with them, and what was found in them."""
    model, facts = subject.model, subject.model.record.data
    transform = model.transform
    rows: tuple[tuple[str, str], ...] = (
        ("Origin", str(facts.get("origin", UNKNOWN))),
        ("Samples", f"{count(facts.get('rows'))}, of shape {shape(model.record.sample_shape)}"),
        ("Held out", count(facts.get("held_out"))),
        ("Transform", transform.kind + (", each sample without its own mean" if transform.without_mean else "")),
        ("The network sees", f"{shape(model.record.shape)} values of a sample"),
    )
    if transform.levels:
        rows += (("Noise", f"uniform over steps of {number(transform.levels)}"),)
    advice = tuple(sentence(str(text)) for text in facts.get("advice", ()))
    notes: tuple[Block, ...] = (Notes(advice, is_warning=True),) if advice else ()
    table = Table("The data of the training", ("What", "Value"), rows)
    return Section(title="Training data", anchor="data", blocks=(*notes, table))


def section(subject: Subject) -> Section:
    """The section."""
    model, record = subject.model, subject.model.record
    blocks: list[Block] = []
    if record.build:
        blocks.append(Code("The command of this run", command(model)))
        if _origin(model) in _ARRAYS:
            blocks.append(
                Notes(("The samples were an array in Python: save them to a file, and name it in the command.",))
            )
    else:
        blocks.append(Notes(("The model was trained from a generated module, by smgen.fit in Python.",)))
    if not model.source:
        blocks.append(Notes(("The network was given as an object: there is no net.py to repeat the run from.",)))
    machine = {"fingerprint of the network": record.fingerprint, "module": record.module} | record.machine
    blocks.append(Table("Versions and machine", ("What", "Value"), tuple((k, str(v)) for k, v in machine.items())))
    blocks.append(Table("Timings", ("What", "Value"), tuple(_timings(subject)), numeric=(1,)))
    settings = {**record.training, **{f"module: {name}": value for name, value in record.build.items()}}
    rows = tuple((name, _plain(value)) for name, value in settings.items())
    blocks.append(Terms("All settings", rows))
    if model.source:
        blocks.append(Code("net.py", model.source))
    return Section(title="To repeat the run", anchor="repeat", blocks=tuple(blocks))


def command(model: Model) -> str:
    """The `smgen fit` that trains the model again: every option that is not the default."""
    return " \\\n    ".join([" ".join(["smgen fit net.py", *_option("--data", _origin(model))]), *_options(model)])


def _origin(model: Model) -> str:
    return str(model.record.data.get("origin", "data.npy"))


def _options(model: Model) -> Iterator[str]:
    """The options, each with its value."""
    record, transform, data = model.record, model.transform, model.record.data
    for name, default in _BUILD.items():
        value = record.build.get(name, default)
        if value != default:
            yield " ".join(_option(f"--{name}", value))
    if "backend" in record.build:
        yield " ".join(_option("--backend", record.build["backend"]))
    if record.objective != "hyvarinen":
        yield " ".join(_option("--objective", record.objective))
    bounded = record.objective.startswith("generalised:")  # whose data are not moved
    if transform.kind != ("none" if bounded else "standardise"):
        yield " ".join(_option("--whiten", transform.kind))
    if transform.without_mean:
        yield "--without-mean"
    if transform.levels:
        yield " ".join(_option("--levels", transform.levels))
    rows, held_out = data.get("rows") or 0, data.get("held_out") or 0
    if rows and held_out != min(rows // 10, 10_000):
        yield " ".join(_option("--held-out", f"{held_out / rows:.6g}"))
    yield from _training(record.training, rows - held_out)


def _training(training: dict[str, Any], learned_from: int) -> Iterator[str]:
    for setting in fields(Settings):
        value = training.get(setting.name, setting.default)
        if setting.name == "batch_size":
            is_default = value in (None, min(512, learned_from))
        elif setting.name == "average":
            is_default = value == setting.default or training.get("optimiser") == "lbfgs"
        else:
            is_default = value == setting.default
        if setting.name == "lam" and training.get("lam_was_chosen"):
            yield "--lam auto"
        elif not is_default:
            text = ":".join(map(repr, value)) if isinstance(value, (list, tuple)) else value
            yield " ".join(_option(f"--{setting.name.replace('_', '-')}", text))


def _option(name: str, value: object) -> tuple[str, str]:
    text = (
        f"{value:g}" if isinstance(value, float) and isclose(float(f"{value:g}"), value, rel_tol=1e-12) else str(value)
    )
    return name, shlex.quote(text)


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return " to ".join(map(str, value))
    return UNKNOWN if value is None else str(value).replace(",", ", ")


def _timings(subject: Subject) -> Iterator[tuple[str, str]]:
    record = subject.model.record
    seconds, steps = record.result.get("seconds"), record.result.get("steps")
    yield "Training", duration(seconds)
    if seconds and steps:
        yield "A step", duration(seconds / steps) if seconds / steps >= 1 else f"{number(1e3 * seconds / steps)} ms"
        batch = record.training.get("batch_size")
        if batch and record.training.get("optimiser") == "adam":
            yield "Samples a second", count(round(float(f"{batch * steps / seconds:.3g}")))
