"""benchmarks/exact.py runs, compares what is the same, and its arithmetic is right. Nothing here passes by time."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from benchmarks import exact, exact_programs
from benchmarks.exact_programs import DIAGONAL, SAMPLES, THEIRS, called, hutchinson, network_of, peers
from benchmarks.exact_rounds import Plan, measure
from smgen.bench import contenders
from smgen.bench.results import Outcome, Results
from smgen.bench.rounds import Case, Measured, data_of, ratio
from smgen.errors import BuildError

TINY = "2-3-1"
CASE = Case(TINY, 5, "float32", 0.0)
ONE_ROUND = Plan(1, 1, 0.0)


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> None:
    monkeypatch.setattr(sys, "argv", ["exact", *args])
    exact.main()


def test_a_tiny_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "exact.json"
    quick = ("--networks", TINY, "--samples", "5", "--rounds", "1", "--seconds", "0", "--probes", "1")
    run(monkeypatch, *quick, "--contenders", "numpy", "c", "--json", str(path))
    measured = capsys.readouterr().out
    run(monkeypatch, "--from-json", str(path))
    assert capsys.readouterr().out.rstrip() in measured
    document = json.loads(path.read_text(encoding="utf-8"))
    has_c = contenders.obstacle("c") is None
    ours = {name: m for case in document["exact"]["cases"] for name, m in case["contenders"].items()}
    assert list(ours) == (["numpy", "c"] if has_c else ["numpy"])
    assert all(m["peak_memory"] >= m["loaded_memory"] > 0 and min(m["rounds"]) > 0 for m in ours.values())
    estimates = {case["lam"]: list(case["contenders"]) for case in document["hutchinson"]["cases"]}
    # With the regulariser an estimate takes two probes.
    assert estimates == ({0.0: [DIAGONAL, called("c", 1)]} if has_c else {})


@pytest.mark.slow
def test_everybody_finds_the_same(tmp_path: Path) -> None:
    there = peers(list(THEIRS))
    if not there:
        pytest.skip("neither JAX nor PyTorch is installed")
    programs = exact_programs.exact(TINY, 5, ["numpy", *there])
    groups = [programs, hutchinson(TINY, 5, 0.0, 2, ["numpy", *there])]
    timed = measure(CASE, groups, ["numpy"], data_of(network_of(TINY), CASE), ONE_ROUND, tmp_path)
    assert [m.contender for m in timed.measured] == ["numpy"]


def program(step: str) -> dict[str, str]:
    """`calls` counts the steps taken in a process."""
    make = f"calls = []\n\n\ndef make(params, x, lam):\n    return lambda: calls.append(1) or {step}\n"
    return {".py": make + "\n\ndef wait(result):\n    return result\n"}


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ("(2.01, {'a': x})", r"wrong and right differ by 5\.0e-03 in J"),
        ("1 / 0", "wrong failed: ZeroDivisionError"),
        ("(2.0 / (len(calls) < 4), {'a': x})", "the turns failed: ZeroDivisionError"),
    ],
)
def test_failures_are_errors(step: str, complaint: str, tmp_path: Path) -> None:
    group = {"right": program("(2.0, {'a': x})"), "wrong": program(step)}
    data = data_of(network_of(TINY), CASE)
    with pytest.raises(BuildError, match=complaint):
        measure(CASE, [group], list(group), data, Plan(4, 4, 0.0), tmp_path)


def test_rows() -> None:
    case = Case("784-512-512-256-1", 128, "float32", 0.0)
    ours, theirs = (
        Measured(contender="c", rounds=(1.0, 3.0, 2.0), first=1.0, peak_memory=50_000_000, loaded_memory=1),
        "folx forward Laplacian",
    )
    folx = Measured(contender=theirs, rounds=(2.0, 9.0, 5.0), first=1.0, peak_memory=200_000_000, loaded_memory=1)
    jax = Measured(
        contender=THEIRS["jax"], rounds=(8.0, 24.0, 16.0), first=1.0, peak_memory=100_000_000, loaded_memory=1
    )
    results = Results([Outcome(case=case, measured=(ours, folx, jax), executed={}, least=0)])
    head, row = exact.exact_rows(results, "ms a step", lambda m: 1e3 * m.seconds, ratio)
    assert head[0] == "ms a step (× smgen, C)"
    assert row == (case.name, "128", "2,000 (1.00)", "5,000 (2.50)", "16,000 (8.00)", "2.50")
    *_, memory = exact.exact_rows(results, "MB", lambda m: m.peak_memory / 1e6, lambda a, b: 1.5)
    assert memory[2:] == ("50 (1.50)", "200 (1.50)", "100 (1.50)", "1.50")


def test_rows_of_estimates() -> None:
    diagonal, one = (
        Measured(contender=DIAGONAL, rounds=(0.01, 0.02), first=1.0, peak_memory=1, loaded_memory=1),
        Measured(contender=called("c", 1), rounds=(0.011, 0.022), first=1.0, peak_memory=1, loaded_memory=1),
    )
    four = Measured(contender=called("c", 4), rounds=(0.02, 0.04), first=1.0, peak_memory=1, loaded_memory=1)
    cases = [Case(TINY, 5, "float32", lam) for lam in (0.0, 0.1)]
    results = Results(
        [
            Outcome(case=cases[0], measured=(diagonal, one, four), executed={}, least=0),
            Outcome(case=cases[1], measured=(diagonal, four), executed={}, least=0),
        ],
    )
    head, *rows = exact.hutchinson_rows(results)
    assert head[3:] == ("diagonal", "1 probe", "4 probes")
    assert rows == [(TINY, "5", "0", "15", "16.5 (1.10)", "30 (0.50)"), (TINY, "5", "0.1", "15", "", "30 (0.50)")]


@pytest.mark.parametrize("text", ["3", "3-x-1", "3--1", "0-3-1", ""])
def test_no_network(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no network"):
        exact._widths(text)


def test_networks() -> None:
    for name in SAMPLES:
        network = network_of(name)
        assert name == "-".join(map(str, (network.input.units, *(v.units for v in network.vertices[1::2]))))
