"""What a user sees of a run: a progress bar on a terminal, lines in a log elsewhere, checkpoints in the folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from smgen.training import checkpoints
from smgen.training.state import State

LOG_EVERY: Final = 10.0
"""Seconds between two lines of a log, at least."""

_REFRESH: Final = 0.1


@dataclass(slots=True, kw_only=True)
class Display:
    """The bar, or the lines, of a run on a console; nothing without one."""

    console: Console | None
    steps: int
    batch_size: int
    _progress: Progress | None = None
    _task: TaskID | None = None
    _shown: float = 0.0
    _from: tuple[float, int] = (0.0, 0)

    def __enter__(self) -> Display:
        self._from = (time.perf_counter(), -1)
        if self.console is not None and self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(compact=True),
            )
            self._progress = Progress(*columns, console=self.console, expand=True)
            self._task = self._progress.add_task("training", total=self.steps, speed="")
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def stepped(self, state: State) -> None:
        """Move the bar, some times a second."""
        if self._progress is None or self._task is None:
            return
        now = time.perf_counter()
        if now - self._shown > _REFRESH:
            self._shown = now
            self._progress.update(self._task, completed=state.step, speed=self._speed(state))

    def evaluated(self, state: State) -> None:
        """Show the latest evaluation."""
        if self._progress is not None and self._task is not None:
            text = _sentence(state)
            self._progress.update(self._task, completed=state.step, description=text, speed=self._speed(state))
        elif self.console is not None:
            now = time.perf_counter()
            if now - self._shown > LOG_EVERY or state.step >= self.steps or state.stopped:
                self._shown = now
                parts = [part for part in (_sentence(state), self._speed(state)) if part]
                line = f"step {state.step} of {self.steps}: {', '.join(parts)}"
                self.console.print(line, highlight=False, soft_wrap=True)

    def checkpoint(self, state: State) -> None:
        """Nothing to show."""

    def _speed(self, state: State) -> str:
        begun, first = self._from
        if first < 0:
            self._from = begun, first = time.perf_counter(), state.step
        seconds = time.perf_counter() - begun
        done = state.step - first
        return f"{done * self.batch_size / seconds:,.0f} samples/s" if done and seconds > 0 else ""


def _sentence(state: State) -> str:
    entry = state.history[-1]
    parts = [] if entry.loss != entry.loss else [f"loss {entry.loss:.5g}"]
    if entry.held_out is not None and entry.error is not None:
        parts.append(f"held out {entry.held_out:.5g} ± {entry.error:.2g}")
    return ", ".join(parts) or "before the first step"


@dataclass(slots=True, kw_only=True)
class Saver:
    """Writes checkpoints, at least `every` seconds apart but for the last one. `of` says what run they are of."""

    folder: Path
    of: dict[str, str]
    every: float
    _latest: float = field(default_factory=time.perf_counter)
    _step: int = -1

    def stepped(self, state: State) -> None:
        """Nothing to save."""

    def evaluated(self, state: State) -> None:
        """Nothing to save."""

    def checkpoint(self, state: State) -> None:
        """Save the state if it is time to, or the last."""
        now = time.perf_counter()
        if state.step != self._step and (state.stopped or now - self._latest >= self.every):
            arrays, texts = state.saved()
            checkpoints.save(self.folder, state.step, arrays, texts | self.of)
            self._latest, self._step = now, state.step


@dataclass(frozen=True, slots=True)
class Together:
    """Several watches as one; of none, a run that nobody follows."""

    watches: tuple[Display | Saver, ...]

    def stepped(self, state: State) -> None:
        """Tell all."""
        for watch in self.watches:
            watch.stepped(state)

    def evaluated(self, state: State) -> None:
        """Tell all."""
        for watch in self.watches:
            watch.evaluated(state)

    def checkpoint(self, state: State) -> None:
        """Tell all."""
        for watch in self.watches:
            watch.checkpoint(state)
