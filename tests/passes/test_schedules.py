"""What is written of a schedule is read as that schedule; every pass has a page that shows some."""

from __future__ import annotations

from pathlib import Path

import pytest

from smgen import passes
from smgen.hessians import Method, lower
from smgen.ir.verify import verify
from smgen.passes import run
from smgen.targets import TARGETS
from tests.networks import CATALOGUE
from tests.passes.schedules import schedule, written


@pytest.mark.parametrize("name", ["ica", "deep", "skip_and_branch", "constants_concat"])
@pytest.mark.parametrize("hessian", ["diagonal", "exact"])
def test_schedules_before_all_passes_and_after_those_for_c(name: str, hessian: str) -> None:
    for lowered in lower(CATALOGUE[name](), Method(hessian)):
        for shown in (lowered, run(lowered, TARGETS["c"].pipeline.passes(1024))):
            inputs = [f"{b.name} ({', '.join(map(str, b.shape))})" for b in shown.inputs if b.name not in ("lam", "N")]
            lines = list(written(shown, returns=True))
            assert list(written(verify(schedule("\n".join([", ".join(inputs), *lines]))), returns=True)) == lines


def test_every_pass_has_a_page() -> None:
    files = {path.stem for path in Path(passes.__path__[0]).glob("*.py")} - {"__init__", "pipelines"}
    assert files <= {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
