"""benchmarks/objectives.py runs, compares what is the same, and its arithmetic is right. Nothing passes by time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import objectives
from benchmarks.exact_rounds import Plan, measure
from benchmarks.networks import NETWORKS
from benchmarks.objective_programs import DENOISING, LAPLACIAN, denoising, laplacian, tanh_network, there
from smgen.bench import contenders
from smgen.bench.results import Outcome, Results
from smgen.bench.rounds import Case, Measured, data_of

TINY = "3-4-1"


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> None:
    monkeypatch.setattr(sys, "argv", ["objectives", *args])
    objectives.main()


def test_a_run_is_kept_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "objectives.json"
    few = ("--networks", "A", "--widths", TINY, "--samples", "4", "--laplacian-samples", "2", "--rounds", "1")
    run(monkeypatch, *few, "--seconds", "0", "--contenders", "numpy", "c", "--json", str(path))
    measured = capsys.readouterr().out
    run(monkeypatch, "--from-json", str(path))
    assert capsys.readouterr().out.rstrip() in measured
    document = json.loads(path.read_text(encoding="utf-8"))
    ours = ["numpy", "c"] if contenders.obstacle("c") is None else ["numpy"]
    for what, samples in (("denoising", 4), ("laplacian", 2)):
        (case,) = document[what]["cases"]
        assert case["samples"] == samples
        assert list(case["contenders"]) == ours
        assert all(m["peak_memory"] >= m["loaded_memory"] > 0 for m in case["contenders"].values())


@pytest.mark.slow
@pytest.mark.parametrize("what", ["denoising", "laplacian"])
def test_everybody_finds_the_same(what: str, tmp_path: Path) -> None:
    contenders = there(["numpy", *(DENOISING if what == "denoising" else LAPLACIAN)])
    if contenders == ["numpy"]:
        pytest.skip("neither JAX nor folx is installed")
    name, make = ("A", denoising) if what == "denoising" else (TINY, laplacian)
    network = NETWORKS[name]() if what == "denoising" else tanh_network(name)
    case = Case(name, 5, "float32", 0.0)
    programs = make(name, 5, contenders, "float32")
    timed = measure(case, [programs], list(programs), data_of(network, case), Plan(1, 1, 0.0), tmp_path)
    assert len(timed.measured) == len(contenders)


def figures(contender: str, memory: int, *rounds: float) -> Measured:
    return Measured(contender=contender, rounds=rounds, first=1.0, peak_memory=memory, loaded_memory=1)


def test_rows() -> None:
    both = DENOISING["jax"], LAPLACIAN["folx"]
    cases = [
        (figures("c", 2, 1.0, 2.0), figures(both[0], 4, 2.0, 4.0), figures(both[1], 8, 4.0, 8.0)),
        (figures("c", 2, 2.0, 4.0), figures(both[0], 4, 1.0, 2.0), figures(both[1], 5, 4.0, 8.0)),
    ]
    outcomes = [Outcome(case=Case(TINY, 5, "float32", 0.0), measured=m, executed={}, least=0) for m in cases]
    head, first, second, means = objectives.rows(Results(outcomes), "score and Laplacian")
    assert head[:2] == ("score and Laplacian, ms", "N")
    assert head[-1] == "memory / least peer's"
    assert first == (TINY, "5", "1.5e+03", "3e+03", "6e+03", "0.50", "0.25", "0.50")
    assert second[-3:] == ("2.00", "0.50", "0.50")
    assert means == ("geometric mean", "", "", "", "", "1.00", "0.35", "")
