"""What follows a run, and how a user interrupts it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from smgen.training.state import State


class Watch(Protocol):
    """What follows a run: the display, the log, the checkpoints."""

    def stepped(self, state: State) -> None:
        """After each step."""

    def evaluated(self, state: State) -> None:
        """After each evaluation, the latest of the state's history."""

    def checkpoint(self, state: State) -> None:
        """At each step at which the run could go on; the last one included."""


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is noted and asked for between two steps; a second one acts at once."""
    asked: list[Any] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
