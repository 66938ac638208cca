"""The protocol of a target, which turns schedules into the texts of a module's files."""

from __future__ import annotations

from typing import Protocol

from smgen.ir import Schedule
from smgen.targets.build_info import BuildInfo
from smgen.targets.pipeline import Pipeline


class Target(Protocol):
    """A language in which modules are emitted.

    `template` is the template of the module; its fingerprint covers all files in its folder. `standalone` are the
    extensions of files for programs without Python.
    """

    @property
    def summary(self) -> str:
        """One line for users."""

    @property
    def template(self) -> str:
        """The name of the module's template."""

    @property
    def standalone(self) -> tuple[str, ...]:
        """Extensions of the files for programs without Python."""

    @property
    def pipeline(self) -> Pipeline:
        """The passes for its schedules."""

    def emit(self, info: BuildInfo, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        """The texts of the module's files by extension; `.py` is the module itself."""
