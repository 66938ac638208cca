"""The NumPy backend: one readable module that needs NumPy alone (and scipy.special where a network uses erf)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smgen.backends.facts import Facts, shape_text
from smgen.backends.layout import Arrays, Function, Header, header, lay_out
from smgen.ir import Elementary, Schedule
from smgen.passes import pipelines, run
from smgen.printers.numpy import SCIPY, print_function
from smgen.render import render

TEMPLATE: Final = "numpy/module.py.j2"


ARRAYS: Final = Arrays("np.ndarray", "numpy", inspects_values=True, needs_contiguous=False, counts_in_int32=False)


@dataclass(frozen=True, slots=True)
class Module:
    """The context of the module template."""

    header: Header
    facts: Facts
    arrays: Arrays
    shapes: tuple[tuple[str, str], ...]
    functions: tuple[Function, ...]
    needs_scipy: bool


def emit(facts: Facts, schedules: tuple[Schedule, ...]) -> dict[str, str]:
    """The module's source."""
    lowered = [run(schedule, pipelines.numpy(facts.batch_size)) for schedule in schedules]
    printed = [print_function(schedule) for schedule in lowered]
    shapes = {b.name: b.shape for function in printed for b in function.arrays}
    calls = {op.function for schedule in lowered for op in schedule.ops if isinstance(op, Elementary)}
    module = Module(
        header(facts),
        facts,
        ARRAYS,
        tuple((name, shape_text(shapes[name])) for name in sorted(shapes)),
        tuple(lay_out(facts, function) for function in printed),
        bool(calls & SCIPY),
    )
    return {".py": render(TEMPLATE, module)}
