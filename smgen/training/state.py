"""Everything that a run is: enough to go on with it bit for bit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import inf
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.models.device import on_host
from smgen.training.adam import Adam
from smgen.training.flat import Flat

Array = npt.NDArray[Any]

INTERRUPTED: Final = "interrupted"
_NUMBERS: Final = ("step", "seconds", "best_loss", "best_step", "stale", "averaged", "count", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a run's history.

    `loss` is the mean training loss since the entry before, `held_out` the true J of the samples held out
    with its standard error, `own` the same as the module computes it, if that is another number.
    """

    step: int
    seconds: float
    loss: float
    held_out: float | None = None
    error: float | None = None
    own: float | None = None


@dataclass(slots=True, kw_only=True)
class State:
    """A run at a step. `best` are the parameters with the least held-out loss, `best_losses` its samples, (N,).

    `stale` counts the evaluations since then that were clearly worse. `averaged` is the step up to which `average`
    goes, `total` the sum of the training losses of the `count` steps since the latest evaluation.
    """

    flat: Flat
    adam: Adam
    average: Any
    best: Any
    best_losses: Array = field(default_factory=lambda: np.zeros(0))
    step: int = 0
    seconds: float = 0.0
    best_loss: float = inf
    best_step: int = 0
    stale: int = 0
    averaged: int = 0
    total: float = 0.0
    count: int = 0
    history: list[Entry] = field(default_factory=list)
    stopped: str = ""

    @classmethod
    def start(cls, module: ModuleType, params: dict[str, Any]) -> State:
        """A run that has not begun."""
        flat = Flat(module, params)
        return cls(flat=flat, adam=Adam(flat.xp, flat.vector), average=flat.vector.copy(), best=flat.vector.copy())

    def _vectors(self) -> dict[str, Any]:
        return {
            "params": self.flat.vector,
            "average": self.average,
            "best": self.best,
            "adam.mean": self.adam.mean,
            "adam.square": self.adam.square,
        }

    def saved(self) -> tuple[dict[str, Array], dict[str, str]]:
        """The arrays and the texts of a checkpoint."""
        arrays = {name: on_host(vector) for name, vector in self._vectors().items()}
        numbers = {name: getattr(self, name) for name in _NUMBERS} | {"total": float(self.total)}
        arrays["best_losses"] = self.best_losses
        return arrays, {"run": json.dumps(numbers), "history": json.dumps([asdict(entry) for entry in self.history])}

    def restore(self, arrays: dict[str, Array], texts: dict[str, str]) -> None:
        """Go back to a checkpoint. Raises `ValueError` or `KeyError` for one of another run."""
        for name, vector in self._vectors().items():
            if arrays[name].shape != vector.shape or arrays[name].dtype != vector.dtype:
                raise ValueError(f"{name} has shape {arrays[name].shape}, where {vector.shape} is expected")
            vector[...] = self.flat.xp.asarray(arrays[name])
        self.best_losses = arrays["best_losses"]
        for name, value in json.loads(texts["run"]).items():
            setattr(self, name, value)
        self.history = [Entry(**entry) for entry in json.loads(texts["history"])]
        if self.stopped == INTERRUPTED:
            self.stopped = ""

    def params(self, vector: Any) -> dict[str, Array]:
        """The parameters in a vector as arrays of NumPy's of their own."""
        return {name: np.array(on_host(part)) for name, part in self.flat.views(vector).items()}
