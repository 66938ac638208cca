"""What a target is: how schedules become the texts of a module's files."""

from __future__ import annotations

from typing import Protocol

from smgen.ir import Schedule
from smgen.targets.build_info import BuildInfo
from smgen.targets.pipeline import Pipeline


class Target(Protocol):
    """A language that modules are emitted in.

    `template` is the module's, fingerprinted with all in its folder; `standalone` are the files, by extension, that
    programs without Python take instead of the module.
    """

    @property
    def summary(self) -> str:
        """A line for people."""

    @property
    def template(self) -> str:
        """The name of the module's template."""

    @property
    def standalone(self) -> tuple[str, ...]:
        """Extensions of the files for programs without Python."""

    @property
    def pipeline(self) -> Pipeline:
        """The passes that its schedules take."""

    def emit(self, info: BuildInfo, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The texts of the module's files by extension, `.py` the module's own."""
