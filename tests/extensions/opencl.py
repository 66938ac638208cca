"""A target that smgen does not have: the element functions of a network in OpenCL C, whose functions are overloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smgen.ir import Schedule
from smgen.targets.build_info import BuildInfo
from smgen.targets.cuda.pipeline import PIPELINE
from smgen.targets.dialect import Dialect
from smgen.targets.elements import elements
from smgen.targets.expressions import helpers
from smgen.targets.pipeline import Pipeline

OPENCL: Final = Dialect(function="static inline", suffixed=False)


@dataclass(frozen=True, slots=True)
class OpenCl:
    """One `.cl` file."""

    summary: str = "element functions in OpenCL C"
    template: str = "cuda/module.py.j2"
    standalone: tuple[str, ...] = (".cl",)
    pipeline: Pipeline = PIPELINE

    def emit(self, info: BuildInfo, schedules: tuple[Schedule, ...]) -> dict[str, str]:
        lowered, _ = self.pipeline.forms(schedules, info.method.batch_size)
        functions = elements(lowered, info.dtype, OPENCL)
        lines = [line for function in functions for line in ("", function.head, "{", *function.body, "}")]
        return {".py": "", ".cl": "\n".join([*helpers(info.dtype, OPENCL, "\n".join(lines)), *lines, ""])}
