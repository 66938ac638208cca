"""benchmarks/ica.py runs, keeps and reads its figures, and its arithmetic is right. Nothing passes by time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ica
from benchmarks.ica_cases import CONTENDERS, amari, cosine, mixture, there


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> None:
    monkeypatch.setattr(sys, "argv", ["ica", *args])
    ica.main()


def test_a_run_is_kept_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "ica.json"
    few = ("--sources", "laplace", "--overcomplete", "laplace", "--backend", "numpy", "--steps", "50")
    run(monkeypatch, "--quick", *few, "--json", str(path))
    measured = capsys.readouterr().out
    run(monkeypatch, "--from-json", str(path))
    assert capsys.readouterr().out.rstrip() in measured
    document = json.loads(path.read_text(encoding="utf-8"))
    (case,) = document["complete"]
    assert list(case["contenders"]) == list(there(list(CONTENDERS)))
    for figures in case["contenders"].values():
        assert len(figures["rounds"]) == 2
        assert 0 < figures["amari"][0] < 0.1
    (over,) = document["overcomplete"]
    assert 0 < over["chance"][0] < over["cosine"][0] <= 1
    run(monkeypatch, "--from-json", str(path), "--markdown")
    assert "| laplace | 4x2000 |" in capsys.readouterr().out


def test_a_wrong_size(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="error: ten: not a size"):
        run(monkeypatch, "--sizes", "ten")


def test_distances() -> None:
    permuted = np.array([[0.0, 3.0, 0.0], [-2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert amari(permuted) == 0
    assert amari(np.ones((3, 3))) == 1
    assert amari(np.diag([5.0, 1.0]) @ np.array([[1.0, 0.1], [0.1, 1.0]])) == pytest.approx((0.2 + 0.52) / 4)
    atoms = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert cosine(-atoms[:, ::-1], atoms) == 1
    assert cosine(np.array([[1.0], [1.0]]), atoms) == pytest.approx(np.sqrt(0.5))


def test_mixtures() -> None:
    complete, over = mixture("mixed", 4, 4, 100, 0), mixture("sparse", 3, 6, 100, 0)
    assert complete.x.shape == (100, 4)
    assert over.x.shape == (100, 3)
    assert np.allclose(np.linalg.norm(over.mixing, axis=0), 1)
    assert np.array_equal(mixture("mixed", 4, 4, 100, 0).x, complete.x)


def test_rows() -> None:
    figures = {"smgen": {"rounds": [1.0, 2.0], "amari": [0.1]}, "picard": {"rounds": [2.0, 8.0], "amari": [0.2]}}
    case = {"sources": "laplace", "size": "4x2000", "others": [0.5, 0.0], "contenders": figures}
    head, row = ica.complete_rows([case])
    assert head[-1] == "time, smgen / picard"
    assert row == ("laplace", "4x2000", "0.1000", "0.2000", "1.5", "5", "0.38")
    assert ica.disturbed([case]).startswith("Other processes were busy in 1 of 1 cases")
    assert ica.disturbed([case | {"others": [0.0, 0.0]}]) == ""
