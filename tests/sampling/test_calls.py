"""How `sample` treats the density, the seed and the callback, and what it does where energies are not finite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from smgen.density import Array, Density
from smgen.errors import SmgenError, SmgenWarning
from smgen.sampling import METHODS, SamplingError, SamplingWarning, diagnostics, sample
from tests.sampling.targets import Floats, exponential, gaussian

pytestmark = pytest.mark.filterwarnings("ignore::smgen.sampling.SamplingWarning")

MARKOV = ("hmc", "mala", "langevin", "tempering")


class Recorder:
    """A standard normal density that records which function was called with what."""

    def __init__(self, dtype: Any = np.float64) -> None:
        self.calls: list[str] = []
        self.inputs: list[tuple[tuple[int, ...], Any, bool]] = []
        self.density = Density(dimension=3, energy=self.energy, score=self.score, fused=self.fused, dtype=dtype)

    def _note(self, call: str, x: Array) -> None:
        self.calls.append(call)
        self.inputs.append((x.shape, x.dtype, x.flags.c_contiguous))

    def energy(self, x: Array) -> Array:
        self._note("energy", x)
        return np.asarray(0.5 * (x * x).sum(axis=1))

    def score(self, x: Array) -> Array:
        self._note("score", x)
        return -x

    def fused(self, x: Array) -> tuple[Array, Array]:
        self._note("fused", x)
        return 0.5 * (x * x).sum(axis=1), -x


def short(density: Any, method: str, **options: Any) -> Any:
    """A run of 37 transitions."""
    if method == "annealed":
        options = {"sigmas": (1.0, 0.5), "steps": 3, **options}
    else:
        options = {"warmup": 30, "thin": 1, "chains": 8, **options}
    return sample(density, 50, method=method, **options)


def family(density: Density) -> Any:
    return lambda sigma: density


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", METHODS)
def test_positions_are_contiguous_rows_of_the_dtype(method: str, dtype: Any) -> None:
    recorder = Recorder(dtype)
    samples = short(recorder.density if method != "annealed" else family(recorder.density), method)
    rows = {"tempering": 64, "annealed": 50}.get(method, 8)
    assert set(recorder.inputs) == {((rows, 3), np.dtype(dtype), True)}
    assert samples.values.dtype == samples.chains.dtype == dtype
    assert samples.values.shape == (50, 3)


def test_one_evaluation_a_step() -> None:
    recorder = Recorder()
    short(recorder.density, "hmc", leapfrog=1, step_size=0.5)
    assert recorder.calls == ["fused"] * (1 + 30 + 7)
    recorder = Recorder()
    short(recorder.density, "hmc", leapfrog=2, step_size=0.5)
    assert recorder.calls.count("fused") == 1 + 30 + 7
    assert recorder.calls.count("energy") == 0
    recorder = Recorder()
    short(recorder.density, "langevin")
    assert recorder.calls == ["score"] * (30 + 7)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_numbers(method: str) -> None:
    density = gaussian(np.eye(2))
    target = density if method != "annealed" else family(density)
    first, again, other = (short(target, method, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.chains, again.chains)
    assert first.step_size == again.step_size
    assert not np.array_equal(first.values, other.values)


@pytest.mark.parametrize("method", METHODS)
def test_a_density_may_reuse_its_arrays(method: str) -> None:
    scores = {count: np.empty((count, 2)) for count in (8, 64, 50)}

    def score(x: Array) -> Array:
        return np.negative(x, out=scores[len(x)])

    plain = gaussian(np.eye(2))
    reusing = replace(plain, score=score)
    results = [short(d if method != "annealed" else family(d), method) for d in (plain, reusing)]
    assert np.array_equal(results[0].values, results[1].values)


@pytest.mark.parametrize("method", METHODS)
def test_progress(method: str) -> None:
    seen: list[tuple[int, int]] = []
    density = gaussian(np.eye(2))
    short(density if method != "annealed" else family(density), method, progress=lambda *at: seen.append(at))
    total = 6 if method == "annealed" else 37
    assert seen == [(i + 1, total) for i in range(total)]


@pytest.mark.parametrize("count", [1, 3, 16, 17, 50])
def test_exactly_the_number_asked_for(count: int) -> None:
    with pytest.warns(SamplingWarning):
        samples = sample(gaussian(np.eye(2)), count, warmup=0, step_size=1e-9)
    chains = min(count, 16)
    assert samples.values.shape == (count, 2)
    assert samples.chains.shape == (chains, -(-count // chains), 2)
    assert np.array_equal(samples.values[:chains], samples.chains[:, 0])


def test_float32_energies_are_compared_in_float64() -> None:
    """Large energies in float32 neither overflow nor spoil the moments."""
    samples = sample(gaussian(np.eye(2), [30.0, -20.0], np.float32), 1600, chains=32, seed=1)
    assert samples.values.mean(axis=0) == pytest.approx([30, -20], abs=5 / np.sqrt(800))
    assert samples.warnings == ()


def walled(outside: float) -> Density:
    """N(0, 1) for |x| ≤ 1, and `outside` for its energy and score elsewhere."""

    def fused(x: Array) -> tuple[Array, Array]:
        inside = np.asarray((np.abs(x) <= 1).all(axis=1))
        return np.where(inside, 0.5 * (x * x).sum(axis=1), outside), np.where(inside[:, None], -x, outside)

    return Density(dimension=2, energy=lambda x: fused(x)[0], score=lambda x: fused(x)[1], fused=fused)


@pytest.mark.parametrize("outside", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("method", ["hmc", "mala", "tempering"])
def test_what_is_not_finite_is_not_accepted(method: str, outside: float) -> None:
    start = np.zeros((16, 2))
    with pytest.warns(SamplingWarning, match="energy or a score that is not finite, and were rejected"):
        samples = sample(walled(outside), 1600, method=method, start=start)
    assert np.abs(samples.values).max() <= 1
    assert samples.values.std() > 0.3


@pytest.mark.parametrize("method", MARKOV)
def test_starts_that_are_not_finite(method: str) -> None:
    start = np.zeros((5, 2))
    start[3] = 2.0
    where = "chain 3" if method == "langevin" else "start 3"
    with pytest.raises(SamplingError, match=rf"{where}[\s\S]*hint: pass start="):
        sample(walled(np.nan), 10, method=method, start=start)


@pytest.mark.parametrize("method", MARKOV)
def test_chains_that_leave_to_infinity(method: str) -> None:
    if method == "langevin":
        upside_down = Density(dimension=2, energy=lambda x: -0.5 * (x * x).sum(axis=1), score=lambda x: x.copy())
        with pytest.raises(SamplingError, match=r"chain \d+ left to infinity[\s\S]*hint: .*bounds="):
            sample(upside_down, 2000, method=method)
    else:
        with pytest.raises(SamplingError, match=r"chain \d+ left to infinity[\s\S]*hint: .*bounds="):
            sample(exponential(1.0), 2000, method=method)
        constant = Density(dimension=1, energy=lambda x: np.zeros(len(x)), score=np.zeros_like)
        with pytest.raises(SamplingError, match="not normalisable"):
            sample(constant, 2000, method=method)


def test_langevin_steps_that_are_too_long() -> None:
    with pytest.raises(SamplingError, match="steps of 3 are too long"):
        sample(gaussian(np.eye(2)), 10, method="langevin", step_size=3.0)


def test_a_constant_energy_within_bounds_is_uniform() -> None:
    constant = Density(dimension=2, energy=lambda x: np.zeros(len(x)), score=np.zeros_like)
    with pytest.warns(SamplingWarning, match=r"1 of the proposals are accepted, more than 0\.98"):
        samples = sample(constant, 6400, bounds=(-1, 3))
    assert samples.values.mean(axis=0) == pytest.approx([1, 1], abs=5 * 4 / np.sqrt(12 * 6400))


@pytest.mark.parametrize(
    ("result", "shown"),
    [(np.zeros((8, 1)), r"\(8, 1\)"), (3.0, r"3\.0"), (None, "None"), (np.zeros(8, int), "int64"),
     (np.zeros(7), r"\(7,\)")],
)  # fmt: skip
def test_results_of_the_wrong_shape(result: Any, shown: str) -> None:
    density = Density(dimension=2, energy=lambda x: result, score=lambda x: -x)
    with pytest.raises(SamplingError, match=f"energy returned .*{shown}.* for 8 positions"):
        sample(density, 10, chains=8)


def test_starts() -> None:
    density = gaussian(np.eye(2))
    data = np.arange(20.0).reshape(10, 2).astype(np.float32)

    def first(**options: Any) -> Floats:
        chains = np.asarray(short(density, "hmc", warmup=0, step_size=1e-12, mass="unit", **options).chains)
        return chains[:, 0]

    assert np.allclose(first(start=data[:8]), data[:8], atol=1e-9)
    rows = first(data=data, chains=8)
    assert np.isclose(rows[:, None], data, atol=1e-9).all(axis=2).sum() == 8
    assert len(np.unique(rows.round(3), axis=0)) == 8
    assert len(first(data=data, chains=40)) == 40
    noise = first(bounds=(0, None), chains=200)
    assert noise.min() > 0
    assert noise.std() > 0.5
    untouched = data.astype(np.float64)
    short(density, "langevin", start=untouched[:8])
    assert np.array_equal(untouched, data)


def test_without_arviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "find_spec", lambda name: None)
    with pytest.warns(SamplingWarning, match=r"pip install 'smgen\[sample\]'"):
        samples = sample(gaussian(np.eye(2)), 640)
    assert (samples.r_hat, samples.effective_samples) == (None, None)


def test_diagnostics_are_those_of_arviz() -> None:
    arviz: Any = pytest.importorskip("arviz")

    samples = sample(gaussian(np.diag([1.0, 1e4])), 1600, method="mala", thin=20)
    assert samples.r_hat == max(arviz.rhat(samples.chains[..., d]) for d in range(2))
    assert samples.effective_samples == min(arviz.ess(samples.chains[..., d]) for d in range(2))


def test_warnings() -> None:
    density = gaussian(np.eye(2))
    with pytest.warns(SamplingWarning, match=r"worth \d+ independent ones, fewer than 160: use a larger thin"):
        sample(density, 1600, method="langevin", thin=1)
    with pytest.warns(SamplingWarning, match=r"accepted, fewer than 0\.2: use a smaller step_size"):
        sample(density, 1600, step_size=8.0)
    with pytest.warns(SamplingWarning, match=r"temperatures 1 and 1e\+06 exchange .* put temperatures between them"):
        sample(gaussian(np.eye(20)), 1600, method="tempering", temperatures=(1, 1e6))
    with pytest.warns(SamplingWarning, match="R-hat is not defined: a coordinate did not move"):
        sample(density, 1600, start=np.ones((16, 2)), step_size=1e-300, warmup=0)
    assert issubclass(SamplingWarning, SmgenWarning)
    assert issubclass(SamplingError, SmgenError)
