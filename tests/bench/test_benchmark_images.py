"""benchmarks/images.py runs, and everybody in it computes the same. Nothing here passes by time."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import images
from benchmarks.image_contenders import LAYOUTS, of_exact_loss, of_recursion
from benchmarks.image_networks import CONVOLUTIONS, FIELD, Stack
from benchmarks.image_report import exact_rows, memory_rows, ratio_rows
from benchmarks.image_rounds import Plan, alone, measure
from smgen.bench.results import Outcome, Results
from smgen.bench.rounds import Case, Measured

APP = typer.Typer()
APP.command()(images.main)
SMALL_FIELD = replace(FIELD, shape=(2, 8, 7), channels=(5,), kernel=3)
SMALL_CONVOLUTIONS = replace(CONVOLUTIONS, shape=(2, 12, 12), channels=(4, 3, 5))


def run(*args: str, code: int = 0) -> str:
    result = CliRunner().invoke(APP, args)
    assert result.exit_code == code, result.output
    return result.output


def test_a_run_is_kept_and_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "images.json"
    few = ("--quick", "--rounds", "1", "--samples", "1", "--backend", "numpy", "--peer", "none")
    shown = run(*few, "--part", "recursion", "--part", "exact", "--json", str(path))
    read = run("--from-json", str(path), "--markdown")
    assert "convolutions N = 16 float32 λ = 0: numpy" in shown
    assert "| convolutions, exact loss, λ = 0 | N | ms a sample | × numpy | × numpy exact | MB |" in read
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [case["samples"] for case in document["exact"]["cases"]] == [16, 1]
    assert document["recursion"]["machine"]["cores"] >= 1


@pytest.mark.parametrize("option", ["--network", "--backend", "--peer"])
def test_unknown_names(option: str) -> None:
    result = CliRunner().invoke(APP, [option, "xyz"])
    assert result.exit_code
    assert "xyz: one of " in str(result.exception) + result.output


def measured(contender: str, *rounds: float) -> Measured:
    return Measured(contender=contender, rounds=rounds, first=0.0, peak_memory=3_000_000, loaded_memory=1_000_000)


def outcome(samples: int, *figures: Measured) -> Outcome:
    return Outcome(case=Case("convolutions", samples, "float32", 0.0), measured=figures, executed={}, least=0)


def test_the_fastest_layout_counts() -> None:
    slow, fast = measured("jax NCHW", 9.0, 9.0, 9.0), measured("jax taps", 2.0, 4.0, 8.0)
    rows = ratio_rows(Results([outcome(16, measured("c", 1.0, 1.0, 2.0), slow, fast)]))
    assert rows[0][3:] == ("smgen, C / jax.jit",)
    assert rows[1][3:] == ("0.25 (jax taps)",)
    assert rows[2][3:] == ("0.25",)


def test_times_a_sample() -> None:
    batch = outcome(16, measured("c", 0.016, 0.032), measured("c exact", 0.16, 0.32))
    single = outcome(1, measured("c exact", 0.02, 0.04), measured("torch NCHW, Hessian", 0.2, 0.4))
    head, *rows = exact_rows([batch, single])
    assert head[3:] == ("× c", "× c exact", "MB")
    assert [row[3:5] for row in rows] == [("1.00", "0.10"), ("10.00", "1.00"), ("20.00", "2.00"), ("200", "20.00")]


def test_memory_beyond_the_data(tmp_path: Path) -> None:
    contender = of_recursion(SMALL_FIELD, 3, ["numpy"])[0]
    m = alone(SMALL_FIELD, Case("small", 3, "float32", 0.0), contender, Plan(1, 0.0, tmp_path))
    assert m.peak_memory >= m.loaded_memory > 0
    point = {"network": "small", "contender": "numpy", "peak_memory": 3_000_000, "loaded_memory": 1_000_000}
    rows = memory_rows([{**point, "samples": 64}, {**point, "samples": 512, "peak_memory": 4_000_000}])
    assert rows[1] == ("small", "smgen, NumPy", "2", "3")


def test_the_receptive_field() -> None:
    assert (FIELD.receptive, CONVOLUTIONS.receptive) == (7, 9)


@pytest.mark.slow
@pytest.mark.parametrize("lam", [0.0, 0.1])
@pytest.mark.parametrize("stack", [SMALL_FIELD, SMALL_CONVOLUTIONS], ids=["field", "convolutions"])
def test_everybody_finds_the_same(stack: Stack, lam: float, tmp_path: Path) -> None:
    chosen = ["numpy", *(library for library in LAYOUTS if find_spec(library))]
    if len(chosen) == 1:
        pytest.skip("neither JAX nor PyTorch is installed")
    contenders = [*of_recursion(stack, 3, chosen), *of_exact_loss(stack, 2, lam, chosen)]
    found = measure(stack, Case("small", 0, "float32", lam), contenders, Plan(1, 0.0, tmp_path))
    assert [o.case.samples for o in found] == [3, 2]
    assert sum(len(o.measured) for o in found) == len(contenders)
