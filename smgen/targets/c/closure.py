"""What named things need in turn: functions their helpers, views their arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def closure(wanted: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """The wanted names that `needs` knows, and all that they need, directly or not."""
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in needs and name not in needed:
            needed.add(name)
            waiting += needs[name]
    return needed
