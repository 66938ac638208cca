"""What the functions of a module's users have in common: their record, signatures, checks and calls."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smgen.ir import Function
from smgen.targets.arguments import listed
from smgen.targets.build_info import BuildInfo
from smgen.targets.source import WIDTH

WORKSPACE: Final = "workspace = _checked_workspace(workspace)"
"""The line that checks a workspace."""

OWN_WORKSPACE: Final = "_own_workspace()"
"""The workspace of functions that take none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFunction:
    """A function as source: its name, its arguments, the lines of its docstring and of its body."""

    name: str
    arguments: str
    doc: tuple[str, ...]
    body: tuple[str, ...]


def docstring(*sentences: str) -> tuple[str, ...]:
    """A docstring: the first sentence, and paragraphs below."""
    first, *others = sentences
    lines = textwrap.wrap(f'"""{first}', WIDTH - 4)
    for text in others:
        lines += ["", *textwrap.wrap(text, WIDTH - 4)]
    if len(lines) == 1:
        return (f'{lines[0]}"""',)
    return (*lines, '"""')


def signature(positional: Sequence[str], keywords: Sequence[str]) -> str:
    """The arguments of a function."""
    return ", ".join([*positional, *(["*", *keywords] if keywords else [])])


class Parts:
    """The parts of functions that depend on the module: conditions, probes, and the shape of x."""

    def __init__(self, info: BuildInfo) -> None:
        self.info = info
        self.conditions = [condition.name for condition in info.conditions]

    def keywords(self, function: Function) -> list[str]:
        """The conditions, and what decides about probes."""
        return [*self.conditions, *(["rng=None", "probes=None"] if self.is_probed(function) else [])]

    def is_probed(self, function: Function) -> bool:
        """Whether a function takes probes."""
        return self.info.takes_probes and function.curved

    def checked(self, lam: str = "") -> str:
        """The line that checks params, x, λ and conditions."""
        known = [lam or "0.0", *self.conditions] if lam or self.conditions else []
        return f"params, rows, {'lam' if lam else '_'} = _check({', '.join(['params', 'x', *known])})"

    def drawn(self, function: Function) -> list[str]:
        """The line that draws probes."""
        return ["probes = _drawn(rows, rng, probes)"] if self.is_probed(function) else []

    def passed(self, function: Function, workspace: str = OWN_WORKSPACE) -> str:
        """The arguments of an internal function."""
        takes_lam = function.objective is not None and function.objective.takes_lam
        names = [*(given.name for given in function.given), *["probes"] * self.is_probed(function)]
        return f"params, rows, {listed(names)}{'lam' if takes_lam else '0.0'}, {workspace}"

    @property
    def shaped(self) -> str:
        """What gives rows the shape of x."""
        return ".reshape(x.shape)" if self.info.image else ""
