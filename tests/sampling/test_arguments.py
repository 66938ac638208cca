"""Wrong arguments: each is named in an error, before the density is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smgen.density import Density
from smgen.errors import SmgenError
from smgen.sampling import METHODS, SamplingError, geometric, sample
from tests.sampling.targets import gaussian


def never(*_: Any) -> Any:
    raise AssertionError("the density was called")


UNCALLED = Density(dimension=2, energy=never, score=never)
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count=0 is not a whole number of at least 1"),
        ({"count": 2.5}, r"count=2\.5"),
        ({"count": True}, "count=True"),
        ({"count": 10**30}, "count=10+ is not .* at most 1,000,000,000"),
        ({"method": "hcm"}, r"method='hcm' is not one of .*did you mean 'hmc'"),
        ({"method": None}, "method=None"),
        ({"method": ["hmc"]}, "method="),
        ({"leap_frog": 3}, r"has no option 'leap_frog' \(did you mean 'leapfrog'\?\)[\s\S]*options are leapfrog"),
        ({"temperatures": (1, 2)}, "method='hmc' has no option 'temperatures'"),
        ({"method": "langevin", "target": 0.5}, "has no option 'target'"),
        ({"method": "mala", "leapfrog": 2}, "has no option 'leapfrog'"),
        ({"chains": 0}, "chains=0"),
        ({"warmup": -1}, "warmup=-1 is not a whole number of at least 0"),
        ({"thin": 0}, "thin=0"),
        ({"thin": "2"}, "thin='2'"),
        ({"step_size": 0}, "step_size=0 is not a finite number above 0"),
        ({"step_size": NAN}, "step_size=nan"),
        ({"step_size": INF}, "step_size=inf"),
        ({"step_size": "small"}, "step_size='small'"),
        ({"step_size": [1, 2]}, "step_size="),
        ({"target": 1.0}, r"target=1\.0 is not a number above 0 and below 1"),
        ({"mass": "dense"}, "mass='dense' is not one of diagonal, unit"),
        ({"leapfrog": 0}, "leapfrog=0"),
        ({"leapfrog": 10**30}, "leapfrog="),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, r"seed=1\.5"),
        ({"progress": 3}, "progress=3 is not a function"),
        ({"start": np.zeros((4, 3))}, r"start has shape \(4, 3\), and must have \(4, 2\)"),
        ({"start": np.zeros((0, 2))}, r"start has shape \(0, 2\)"),
        ({"start": np.zeros(2)}, r"start has shape \(2,\)"),
        ({"start": np.zeros((4, 2)), "chains": 5}, r"start has shape \(4, 2\), and must have \(5, 2\)"),
        ({"start": [[0, NAN], [0, 0]]}, "row 0 of start is not finite; 1 of 2"),
        ({"start": [[0, 0], [0]]}, "start=.* is not an array of real numbers"),
        ({"start": "noise"}, "start='noise'"),
        ({"start": np.zeros((4, 2), complex)}, "not an array of real numbers"),
        ({"start": np.zeros((4, 2)), "bounds": (1, None)}, "row 0 of start is out of the bounds; 4 of 4"),
        ({"start": np.zeros((4, 2)), "data": np.zeros((4, 2))}, "both start and data"),
        ({"data": np.zeros((0, 2))}, r"data has shape \(0, 2\)"),
        ({"data": np.zeros((9, 2)), "bounds": (None, -1)}, "row 0 of data is out of the bounds"),
        ({"bounds": 3}, r"bounds=3 is not a pair \(low, high\)"),
        ({"bounds": (0, 1, 2)}, "bounds="),
        ({"bounds": (1, 0)}, "no room for coordinate 0: from 1 to 0"),
        ({"bounds": (0, 0)}, "no room for coordinate 0"),
        ({"bounds": ([0, 0], [1, -1])}, "no room for coordinate 1"),
        ({"bounds": (NAN, 1)}, "low side of bounds=nan"),
        ({"bounds": (INF, None)}, "low side of bounds=inf"),
        ({"bounds": (None, -INF)}, "high side of bounds=-inf"),
        ({"bounds": ([0, 0, 0], 1)}, r"low side of bounds has shape \(3,\)"),
        ({"bounds": ("0", 1)}, "low side of bounds='0'"),
        ({"bounds": (0, [[1], [1, 2]])}, "high side of bounds"),
        ({"method": "tempering", "temperatures": ()}, "temperatures="),
        ({"method": "tempering", "temperatures": (1,)}, "at least two that begins with 1"),
        ({"method": "tempering", "temperatures": (2, 3)}, "begins with 1"),
        ({"method": "tempering", "temperatures": (1, 3, 2)}, "rising sequence"),
        ({"method": "tempering", "temperatures": (1, NAN)}, r"temperatures\[1\]=nan"),
        ({"method": "tempering", "temperatures": 8}, "temperatures=8"),
        ({"method": "tempering", "temperatures": "12"}, "temperatures='12'"),
        ({"method": "annealed"}, r"needs sigmas[\s\S]*hint: sigmas="),
        ({"method": "annealed", "sigmas": (1, 2)}, "falling sequence"),
        ({"method": "annealed", "sigmas": (1, 0)}, r"sigmas\[1\]=0"),
        ({"method": "annealed", "sigmas": (1,)}, "is not a function of sigma"),
        ({"method": "annealed", "sigmas": (1,), "denoise": 1}, "denoise=1 is not True or False"),
        ({"method": "annealed", "sigmas": (1,), "steps": 0}, "steps=0"),
        ({"method": "annealed", "sigmas": (1,), "at_once": 0}, "at_once=0"),
        ({"method": "annealed", "sigmas": (1,), "warmup": 3}, "has no option 'warmup'"),
        ({"density": None}, "density=None is not a Density"),
        ({"density": lambda sigma: UNCALLED}, "is not a Density[\\s\\S]*method='annealed' takes a function of sigma"),
        ({"density": Density(dimension=0, energy=never, score=never)}, "dimension is 0"),
        ({"density": Density(dimension=2, energy=never, score=never, dtype=np.int32)}, "dtype is .*int32"),
        ({"density": Density(dimension=2, energy=never, score=never, dtype="half past")}, "dtype is 'half past'"),
    ],
)  # fmt: skip
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplingError, match=f"^sample: [\\s\\S]*{message}"):
        sample(**{"density": UNCALLED, "count": 10, **arguments})


def test_annealed_arguments() -> None:
    def family(sigma: float) -> Density:
        return gaussian(np.eye(2 if sigma > 1 else 3))

    with pytest.raises(SamplingError, match="differ in dimension or dtype"):
        sample(family, 10, method="annealed", sigmas=(2, 1))
    with pytest.raises(SamplingError, match=r"chains=3 for 10 samples[\s\S]*leave chains out"):
        sample(family, 10, method="annealed", sigmas=(2,), chains=3)
    with pytest.raises(SamplingError, match="3 is not a Density"):
        sample(lambda sigma: 3, 10, method="annealed", sigmas=(2,))  # type: ignore[arg-type, return-value]


def test_geometric() -> None:
    assert geometric(1, 8, 4) == pytest.approx((1, 2, 4, 8))
    assert geometric(1, 0.01, 3) == pytest.approx((1, 0.1, 0.01))
    assert geometric(1, 64, 8)[0] == 1.0
    for wrong in ((0, 1, 3), (1, NAN, 3), (1, 2, 1)):
        with pytest.raises(SamplingError):
            geometric(*wrong)


JUNK: tuple[Any, ...] = (
    None, -1, 0, 1, 2.5, -0.0, NAN, INF, -INF, True, "x", b"x", "", [], [1], (1, 2), (2, 1), {}, {"a": 1}, object(), 1j,
    10**30, 1e300, 1e-300, np.float32(2), np.int64(3), np.array(1.5), np.zeros((3, 2)), np.ones(2), np.zeros((2, 2, 2)),
    np.array(["a"]), [None, None], (None, 1), (0, 5), [[0.1, 0.2]], len, range(3), {1, 2},
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::smgen.sampling.SamplingWarning")
@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_its_own_errors(method: str) -> None:
    """Every argument with every kind of junk: samples, or an error with a sentence."""
    usual: dict[str, Any] = {"density": gaussian(np.eye(2)), "count": 6, "method": method}
    if method == "annealed":
        usual |= {"density": lambda sigma: gaussian(np.eye(2)), "sigmas": (1.0, 0.5), "steps": 2}
    else:
        usual |= {"warmup": 3, "thin": 1}
    common = "density count method chains warmup thin step_size temperatures start data bounds seed progress"
    names = f"{common} leapfrog target mass sigmas steps denoise at_once".split()
    sentences: list[tuple[str, str]] = []
    for name in sorted(names):
        for value in JUNK:
            try:
                samples = sample(**{**usual, name: value})
            except SmgenError as error:
                sentences.append((name, str(error)))
            except TypeError:
                assert value is len  # called with what it does not take, by `sample` as by anybody
            else:
                assert np.isfinite(samples.values).all()
    assert len(sentences) > 300
    assert all(text.startswith("sample: ") and (name in text or "hint: " in text) for name, text in sentences)
