"""The benchmarks take turns fairly, and their arithmetic is right. Nothing here passes by time."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import cpu, plots
from benchmarks.networks import NETWORKS
from smgen.bench import contenders, report, worker
from smgen.bench.cold import EMPTY_CACHE, ColdStart, cold_start
from smgen.bench.results import Outcome, Results, as_json, from_json, geometric_mean, memories, times
from smgen.bench.rounds import Case, Measured, measure, measure_programs, ratio
from smgen.bench.work import executed, least
from smgen.cli import app
from smgen.errors import BuildError
from tests.networks import ica


@pytest.mark.parametrize("name", ["numpy", "c"])
def test_turns_in_processes(name: str, tmp_path: Path) -> None:
    if contenders.obstacle(name):
        pytest.skip(str(contenders.obstacle(name)))
    case = Case("ica", 6, "float32", 0.1)
    found = measure(ica(), case, (name, "literal"), rounds=2, seconds=0.0, cache=tmp_path / "cache")
    assert [m.contender for m in found.measured] == [name, "literal"]
    assert all(len(m.rounds) == 2 and min(m.rounds) > 0 and m.first > 0 for m in found.measured)
    assert all(0 < m.loaded_memory <= m.peak_memory for m in found.measured)
    assert len(found.others) == 2
    assert (tmp_path / "cache").exists() == (name == "c")  # nothing is left in the user's own cache


def programs_of(step: str) -> dict[str, dict[str, str]]:
    wait = "\n\ndef wait(result):\n    return result\n"
    right, wrong = (f"def make(params, x, lam):\n    return lambda: {s}\n" for s in ("(2.0, {'a': x})", step))
    return {"right": {".py": right + wait}, "wrong": {".py": wrong + wait}}


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ("(2.01, {'a': x})", r"wrong and right differ by 5\.0e-03 in J"),
        ("(2.0, {'a': x * float('nan')})", "wrong and right differ by nan in a"),
        ("(2.0, {'a': x + 1e-2})", "wrong and right differ by .* in a"),
        ("(2.0, {})", "wrong has no such a as right"),
        ("1 / 0", "wrong failed: ZeroDivisionError: division by zero"),
    ],
)
def test_disagreement_is_an_error(step: str, complaint: str, tmp_path: Path) -> None:
    case = Case("none", 1, "float32", 0.1)
    with pytest.raises(BuildError, match=complaint):
        measure_programs(programs_of(step), {"x": np.ones((1, 2))}, case, rounds=1, seconds=0.0, cache=tmp_path)


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ([0.5, 0.125], [0.125] * 4),  # the first finds cold caches: it takes part of the turn, and does not count
        ([0.75], [0.75] * 3),
        ([1.25], [1.25] * 3),  # longer than a turn: cold caches are no matter
        ([2.0], [2.0] * 2),
        ([4.0], [4.0]),
    ],
)
def test_a_turn_of_a_second(durations: list[float], expected: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def step() -> None:
        now[0] += durations.pop(0) if len(durations) > 1 else durations[0]

    assert worker.turn(step, 1.0) == expected


def results() -> Results:
    """Two networks at two λ; the C module takes half of JAX's time, and less where it is faster still."""
    found = Results(gemm={"float32": 1e9}, machine={"cpu": "a"})
    for name, samples, lam, factor in (("A", 128, 0.1, 0.5), ("B", 8192, 0.1, 0.25), ("A", 128, 0.0, 0.2)):
        jax = Measured(contender="jax", rounds=(1.0, 3.0, 2.0), first=9.0, peak_memory=400, loaded_memory=50)
        c = Measured(
            contender="c",
            rounds=tuple(factor * t for t in jax.rounds),
            first=1.0,
            peak_memory=100 if name == "A" else 40,
            loaded_memory=50,
        )
        found.outcomes.append(
            Outcome(
                case=Case(name, samples, "float32", lam),
                measured=(c, jax),
                executed={"c": 11 * 10**8},
                least=10**9,
                others=(0.0,),
            )
        )
    found.cold.append(
        ColdStart(
            name="A",
            samples=128,
            dtype="float32",
            lam=0.1,
            seconds={"c": (0.1, 0.2, 0.3), "jax": (2.0,), EMPTY_CACHE: (1.5,)},
        )
    )
    return found


def test_ratios_are_taken_within_rounds() -> None:
    one, other = (
        Measured(contender="a", rounds=(1.0, 20.0, 30.0), first=0.0, peak_memory=1, loaded_memory=1),
        Measured(contender="b", rounds=(2.0, 10.0, 60.0), first=0.0, peak_memory=1, loaded_memory=1),
    )
    assert ratio(one, other) == 0.5
    assert one.seconds / other.seconds == 2.0
    with pytest.raises(ValueError, match="zip"):
        ratio(one, Measured(contender="c", rounds=(1.0,), first=0.0, peak_memory=1, loaded_memory=1))
    assert geometric_mean(v for v in (4.0, 1.0)) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="nothing"):
        geometric_mean([])


def test_figures_of_a_run() -> None:
    found = results()
    assert found.contenders == ("c", "jax")
    assert [value for _, value in times(found.outcomes, "c", "jax")] == [0.5, 0.25, 0.2]
    assert [value for _, value in memories(found.outcomes, "c", "jax")] == [0.25, 0.1, 0.25]
    assert times(found.outcomes, "torch", "jax") == []
    assert found.fraction(found.outcomes[0], "c") == pytest.approx(1.0)  # 1 GFLOP in 1 s, of 1 GFLOP/s
    assert found.fraction(found.outcomes[0], "jax") == pytest.approx(0.5)
    assert found.fraction(found.outcomes[0], "torch") is None
    assert found.cold[0].compilation == pytest.approx(1.3)
    rows = {row[0]: row[1:] for row in report.summary(found, "jax")}
    assert rows[""] == ("λ = 0.1", "λ = 0")
    assert rows["smgen, C: time / jax.jit's, geometric mean"] == ("0.35", "0.20")
    assert rows["smgen, C: at N = 8192"] == ("0.25", "")
    assert rows["smgen, C: worst case"] == ("0.50 (A, N = 128, float32)", "0.20 (A, N = 128, float32)")
    assert rows["smgen, C: peak memory / jax.jit's, median of the cases"] == ("0.17", "0.25")
    assert report.disturbances(found) == ""
    found.outcomes[0] = replace(found.outcomes[0], others=(0.0, 0.5, 0.5, 0.0))
    assert "1 of 3 cases" in report.disturbances(found)


def test_json() -> None:
    written = json.loads(json.dumps(as_json(results())))
    assert set(written) == {"machine", "gemm_flops", "cases", "cold_starts"}
    keys = {"name", "samples", "dtype", "lam", "least_product_flops", "others", "contenders"}
    assert all(set(case) == keys for case in written["cases"])
    assert written["cases"][0]["contenders"]["jax"] == {
        "rounds": [1.0, 3.0, 2.0], "first": 9.0, "peak_memory": 400, "loaded_memory": 50, "product_flops": None,
    }  # fmt: skip
    assert from_json(written) == results()


@pytest.mark.parametrize("name", NETWORKS)
def test_flops(name: str) -> None:
    network, lams = NETWORKS[name](), (0.0, 0.3)
    for backend in contenders.OURS:
        without, with_lam = (executed(network, backend, 1024, lam) for lam in lams)
        assert least(network, 1024, lams[0]) <= without < with_lam
        assert least(network, 1024, lams[1]) <= with_lam


def test_flops_of_a_complete_ica() -> None:
    """g = W x, and δ, δ′, ∂J/∂δ, ∂J/∂δ′, ∂J/∂W three times: 8 products; at λ = 0 δ′ and its adjoint are sums of W."""
    one = 2 * 64 * 64 * 8192
    assert least(NETWORKS["F"](), 8192, 0.1) <= 8 * one
    assert least(NETWORKS["F"](), 8192, 0.0) <= 5 * one + 1e-3 * one


def test_cold_starts(tmp_path: Path) -> None:
    wanted = [name for name in contenders.OURS if not contenders.obstacle(name)]
    found = cold_start(ica(), Case("ica", 4, "float32", 0.1), wanted, tries=1)
    assert set(found.seconds) == {*wanted, *([EMPTY_CACHE] if "c" in wanted else [])}
    assert all(len(seconds) == 1 and seconds[0] > 0 for seconds in found.seconds.values())


def test_an_earlier_run_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cpu.json"
    path.write_text(json.dumps(as_json(results())), encoding="utf-8")
    if find_spec("matplotlib"):
        plots.plot_ratios(results(), "jax", tmp_path / "new" / "ratios.png")
        assert (tmp_path / "new" / "ratios.png").stat().st_size > 0
    for more in ([], ["--markdown"]):
        monkeypatch.setattr(sys, "argv", ["cpu", "--from-json", str(path), *more])
        cpu.main()
    shown = capsys.readouterr().out
    assert "| smgen, C: worst case | 0.50 (A, N = 128, float32) | 0.20 (A, N = 128, float32) |" in shown
    assert "| A, N = 128: smgen, C | 0.20 | 0.10 |" in shown
    assert "100% (1.10)" in shown
    assert "first compilation takes 1.3 s" in shown


NET = "import smgen as sm\nnetwork = sm.Network(energy=sm.logcosh(sm.linear(sm.input(2), 3)))\n"
QUICK = ("--rounds", "1", "--seconds", "0", "--samples", "8")


def bench(tmp_path: Path, *args: str, code: int = 0) -> Any:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    result = CliRunner().invoke(app, ["bench", str(tmp_path / "net.py"), *QUICK, *args])
    assert result.exit_code == code, result.output
    return result


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smgen.bench.run.gemm_rate", lambda dtype, **_: 1e11)
    options = ("--backend", "numpy", "--against", "literal", "--lam", "0", "--lam", "0.5", "--dtype", "float64")
    shown = bench(tmp_path, *options).stdout
    assert shown.count(" numpy ") == 2 + 2  # a line as it is measured, and a row of the table, for each λ
    assert "100 GFLOP/s in float64" in shown


def test_who_is_not_installed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smgen.bench.run.gemm_rate", lambda dtype, **_: 1e11)
    monkeypatch.setattr(contenders, "find_spec", lambda name: None)
    shown = bench(tmp_path).stdout
    assert "jax is left out: jax is not installed (pip install 'smgen[bench]')" in shown
    assert "c is left out: scipy-openblas32 is not installed (pip install 'smgen[c]')" in shown
    assert "literal" in shown
    complaint = bench(tmp_path, "--against", "torch", code=2).stderr
    assert complaint == "error: torch cannot be measured: torch is not installed\n  hint: pip install 'smgen[bench]'\n"


def test_who_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean 'jax'?" in bench(tmp_path, "--against", "jaxx", code=2).stderr
    assert "one of numpy, c" in bench(tmp_path, "--backend", "cuda", code=2).stderr
    monkeypatch.setattr(contenders, "find_spec", lambda name: name)
    monkeypatch.setenv("CC", "no-such-compiler -O3")
    assert "there is no C compiler 'no-such-compiler'" in bench(tmp_path, "--backend", "c", code=2).stderr
