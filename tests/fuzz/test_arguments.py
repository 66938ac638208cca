"""Any object as any argument of any public function: a ValueError, TypeError or MemoryError that names the argument."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.network import Network
from tests.networks import CATALOGUE
from tests.objects import answers, objects
from tests.support import module_of

pytestmark = pytest.mark.fuzz
MODES = {"diagonal": 1, "hutchinson": 2}


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
            answers(getattr(net, name), argument, **given)
