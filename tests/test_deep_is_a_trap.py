"""The example that shows the recursion fail on deep networks: it runs, and what it judges by is right."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.deep_is_a_trap import mixture
from examples.deep_is_a_trap.experiment import LAMS, MODES, NETS

ROOT = Path(__file__).resolve().parent.parent


def test_the_true_score_is_the_gradient_of_the_log_density() -> None:
    x, step = np.random.default_rng(0).uniform(-3, 3, (50, 2)), 1e-5
    differences = [
        (mixture.log_density(x + step * e) - mixture.log_density(x - step * e)) / (2 * step) for e in np.eye(2)
    ]
    assert np.allclose(mixture.score(x), np.stack(differences, axis=1), atol=1e-8)


def test_points_are_of_the_mixture() -> None:
    """At λ = 0 the true score has J = −½ E‖score‖², and E tr ∂score/∂x = −E‖score‖² for p itself, not for another."""
    x, step = mixture.sample(200_000, np.random.default_rng(0)).astype(np.float64), 1e-5
    trace = sum(
        (mixture.score(x + step * e) - mixture.score(x - step * e))[:, i] / (2 * step) for i, e in enumerate(np.eye(2))
    )
    assert np.mean(trace) == pytest.approx(-2 * mixture.unlearned(x), rel=0.02)


@pytest.mark.slow
def test_the_experiment_in_a_hurry(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.deep_is_a_trap", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Fisher" in done.stdout

    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    cells = {(cell["depth"], cell["mode"], cell["lam"]): cell for cell in results["cells"]}
    assert sorted(cells) == sorted((depth, mode, lam) for depth in NETS for mode in MODES for lam in LAMS)
    assert all(math.isfinite(cell["exact_loss"]) for cell in cells.values())
    for lam in LAMS:
        for mode in MODES:
            assert cells[1, mode, lam]["exact_loss"] == pytest.approx(
                cells[1, mode, lam]["loss_by_recursion"], rel=1e-4
            )
        for depth in (2, 3):
            assert cells[depth, "exact", lam]["divergence"] < cells[depth, "diagonal", lam]["divergence"]
        assert (tmp_path / f"scores-lambda-{lam:g}.png").read_bytes().startswith(b"\x89PNG")
