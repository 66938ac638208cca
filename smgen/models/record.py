"""What model.json says of a model: where it comes from, how it was trained, and how that went."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from smgen.errors import BuildError

FORMAT: Final = 1
"""The version of model folders. A reader takes this one and those before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Facts about a model, all of them JSON.

    `network` is its name, `shape` that of a sample as the network sees it, `sample_shape` as the data have it. `build`
    are the options of its module, `training` the settings, `data` where the samples are from, how many, and what was
    found in them, `history` the evaluations, `result` how training ended, `machine` what it ran on.
    """

    network: str
    fingerprint: str
    module: str
    shape: tuple[int, ...]
    sample_shape: tuple[int, ...]
    objective: str
    build: dict[str, Any]
    training: dict[str, Any]
    data: dict[str, Any]
    verdict: str
    history: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """The text of model.json."""
        facts = {"format": FORMAT, "what": "a model trained by smgen; smgen.load reads this folder"} | asdict(self)
        return json.dumps(facts, indent=2, ensure_ascii=False, sort_keys=False) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: str) -> Record:
        """The record of a text. Raises `BuildError` for another format, and for what is no model.json."""
        hint = "name a folder that `smgen fit` wrote"
        try:
            facts = json.loads(text)
            version = facts["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise BuildError(origin=origin, what="not the model.json of a model", hint=hint) from error
        if not isinstance(version, int) or not 1 <= version <= FORMAT:
            what = f"format {version!r}: this smgen reads formats up to {FORMAT}"
            raise BuildError(origin=origin, what=what, hint="pip install --upgrade smgen")
        known = {f.name for f in fields(cls)}
        try:
            record = cls(**{name: value for name, value in facts.items() if name in known})
            shapes = {name: tuple(map(int, getattr(record, name))) for name in ("shape", "sample_shape")}
            if record.module != Path(record.module).name:
                raise ValueError(f"module {record.module!r} is no name of a file")
        except (TypeError, ValueError, OverflowError) as error:
            raise BuildError(origin=origin, what=f"not a complete model.json: {error}", hint=hint) from error
        return cls(**{f.name: getattr(record, f.name) for f in fields(cls)} | shapes)
