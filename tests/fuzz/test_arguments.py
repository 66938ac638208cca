"""Any object as any argument of any public function: a ValueError, TypeError or MemoryError that names the argument."""

from __future__ import annotations

import fractions
import re
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.network import Network
from tests.networks import CATALOGUE
from tests.support import module_of

pytestmark = pytest.mark.fuzz
MODES = {"diagonal": 1, "hutchinson": 2}


class Odd:
    """An object that raises wherever it is looked at."""

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __float__(self) -> float:
        raise RuntimeError("no number")

    def __repr__(self) -> str:
        return "<odd>"


def objects(rng: np.random.Generator) -> list[Any]:
    """Things of all kinds."""
    shape = tuple(int(n) for n in rng.integers(0, 4, size=int(rng.integers(0, 4))))
    numbers = rng.standard_normal(shape)
    dtypes = ["f2", "f4", "f8", "f16", "i1", "i8", "u8", "c8", "?", "O", "S3", "U3", "M8[s]", "m8[s]", ">f4", ">f8"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = (
            np.zeros(shape, str(rng.choice(dtypes))) if rng.random() < 0.5 else numbers.astype(rng.choice(["f4", "f8"]))
        )
    return [
        None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 10**400, -(10**400), 0.5, -0.0, float("nan"), float("inf"),
        1e300, 1j, "", "x", "0.1", b"x", bytearray(b"xy"), [], [1.0], [[1.0, 2.0]], (), (1, 2), {}, {"a": 1}, set(),
        range(3), object(), Odd(), Odd, int, np, len, lambda: 1, Decimal("0.1"), fractions.Fraction(1, 3), slice(None),
        Ellipsis, NotImplemented, np.float32(0.5), np.float64(0.5), np.int64(-3), np.uint8(2), np.bool_(True),
        np.array(0.5), np.array([0.5]), np.array("x"), np.array(None), array, np.ma.masked_array(numbers),
        np.eye(2).view(np.matrix), np.random.default_rng(0), np.random.Generator, np.random.RandomState(0), iter([1]),
        (n for n in [1]), memoryview(b"x"), np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (3, 4), (0, 0)),
        np.zeros((2, 4), np.float32).view(np.recarray),
    ]  # fmt: skip


def good(net: ModuleType, hutchinson: bool) -> dict[str, Any]:
    params = net.init_params()
    x = np.ones((3, net._D), net.DTYPE)
    given = {"probes": net.draw_probes(3, 0), "rng": 0} if hutchinson else {}
    theta = net.flatten(params)
    return {
        "params": params,
        "x": x,
        "lam": 0.1,
        "workspace": net.Workspace(),
        "seed": 0,
        "theta": theta,
        "n": 3,
        **given,
    }


SIGNATURES: dict[str, tuple[str, ...]] = {
    "energy": ("params", "x"),
    "score": ("params", "x"),
    "hessian_diagonal": ("params", "x", "rng", "probes"),
    "loss": ("params", "x", "lam", "rng", "probes"),
    "loss_terms": ("params", "x", "lam", "rng", "probes"),
    "loss_and_grad": ("params", "x", "lam", "workspace", "rng", "probes"),
    "loss_and_grad_terms": ("params", "x", "lam", "rng", "probes"),
    "flatten": ("params",),
    "unflatten": ("theta",),
    "init_params": ("seed",),
    "draw_probes": ("n", "rng"),
    "Workspace": ("threads",),
}


def spoiled(rng: np.random.Generator, right: dict[str, Any], argument: str) -> Any:
    """Another object in its place, or for parameters sometimes inside."""
    things = objects(rng)
    thing = things[int(rng.integers(len(things)))]
    if argument == "params" and rng.random() < 0.7:
        keys = list(right["params"])
        return right["params"] | {keys[int(rng.integers(len(keys)))]: thing}
    return thing


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_any_object(backend: str, mode: str, rounds: Iterator[np.random.Generator]) -> None:
    network: Network = CATALOGUE["skip_and_branch"]()
    net = module_of(network, "float32", backend, mode, MODES[mode])
    right = good(net, mode == "hutchinson")
    for rng in rounds:
        for _ in range(50):
            names = [name for name in SIGNATURES if hasattr(net, name)]
            name = names[int(rng.integers(len(names)))]
            takes = [a for a in SIGNATURES[name] if mode == "hutchinson" or a not in ("rng", "probes")]
            argument = takes[int(rng.integers(len(takes)))]
            left_out = {"rng"} if argument == "probes" else {"probes"}
            given = {a: right[a] for a in takes if a in right and a not in left_out}
            given[argument] = spoiled(rng, right, argument)
            refused(getattr(net, name), argument, given)


def refused(call: Callable[..., Any], argument: str, given: dict[str, Any]) -> None:
    """Taken, or refused by name."""
    what = f"{call.__name__}({argument}={given[argument]!r:.200})"
    error: BaseException | None = None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            call(**given)
    except Exception as raised:
        error = raised
    named = error is None or re.match(rf"{argument}\b|probes\b", str(error))
    assert isinstance(error, ValueError | TypeError | MemoryError | None), f"{what}: {type(error).__name__}: {error}"
    assert named, f"{what}: {type(error).__name__}: {error}"
