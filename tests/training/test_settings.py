"""Settings: what is refused, and the step size over a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smgen.errors import BuildError
from smgen.training.fitting import divided
from smgen.training.settings import Settings

BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"optimiser": "adma"}, r"optimiser: 'adma' is unknown \(did you mean 'adam'\?\)"),
    ({"schedule": "steps"}, "schedule: 'steps' is unknown"),
    ({"steps": 0}, "steps: 0 is no whole number of at least 1"),
    ({"steps": 1.5}, "steps: 1.5 is no whole number"),
    ({"steps": True}, "steps: True is no whole number"),
    ({"batch_size": 0}, "batch_size: 0"),
    ({"rate": -1.0}, "rate: -1.0 is no number of at least 0|rate: -1.0 is no number at least 0"),
    ({"rate": 0.0}, "rate: 0 trains nothing"),
    ({"rate": float("nan")}, "rate: nan"),
    ({"rate": "fast"}, "rate: 'fast'"),
    ({"average": 1.0}, "average: 1 keeps the first parameters"),
    ({"average": 1.5}, "average: 1.5 is no number from 0 to 1"),
    ({"lam": -0.1}, "lam: -0.1"),
    ({"lam": float("inf")}, "lam: inf"),
    ({"sigma": 0.0}, "sigma: 0.0 is no noise level"),
    ({"sigma": (1.0, 0.1)}, r"sigma: \(1.0, 0.1\) is no noise level, nor a range"),
    ({"sigma": (0.1, 0.2, 0.3)}, "sigma"),
    ({"seed": -1}, "seed: -1"),
    ({"stepz": 5}, r"stepz: no such option \(did you mean 'steps'\?\)"),
    ({"held_out": 1.0}, "held_out: 1.0 is no share"),
    ({"levels": -1.0}, "levels: -1.0"),
    ({"patch": 0}, "patch: 0"),
    ({"whiten": 3}, "whiten"),
    ({"backend": "fortran"}, "no such backend"),
    ({"hessian": "exakt"}, "no such hessian"),
)


@pytest.mark.parametrize(("options", "what"), BAD, ids=str)
def test_what_is_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(BuildError, match=what):
        divided(options)


def test_numbers_of_numpys_are_numbers() -> None:
    given: dict[str, Any] = {"steps": np.int64(7), "rate": np.float32(0.5), "sigma": np.float32(0.25)}
    settings = Settings(**given)
    assert (type(settings.steps), type(settings.rate), type(settings.sigma)) == (int, float, float)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_the_step_size_over_a_run(schedule: str) -> None:
    settings = Settings(rate=0.5, schedule=schedule, warmup=10, steps=110)
    rates = [settings.rate_at(step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.05 * (n + 1) for n in range(10)])
    assert sorted(rates[10:], reverse=True) == rates[10:]
    assert rates[60] == pytest.approx(0.5 if schedule == "constant" else 0.25)
    assert settings.rate_at(110) == pytest.approx(0.5 if schedule == "constant" else 0.0)
