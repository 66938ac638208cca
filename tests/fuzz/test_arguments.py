"""Any object as any argument of any public function: a ValueError, TypeError or MemoryError that names the argument."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.network import Network
from tests.given import EVERYTHING
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
        "weights": np.array([0.5, 0.0, 1.0], net.DTYPE),
        "mask": np.eye(3, net._D) > 0,
        "wrt_x": True,
        "sigma": (0.1, 1.0),
        "noise": x[::-1],
        "weighting": None,
        "v": x * 2,
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
LOSSES: dict[str, tuple[str, ...]] = {
    "loss": ("params", "x", "weights", "mask"),
    "losses": ("params", "x", "mask"),
    "loss_terms": ("params", "x", "weights", "mask"),
    "loss_and_grad": ("params", "x", "weights", "mask", "wrt_x", "workspace"),
    "loss_and_grad_terms": ("params", "x", "weights", "mask", "workspace"),
}
LEVELS = ("sigma", "noise", "weighting")
GIVEN: dict[str, tuple[str, ...]] = {
    **{name: (*takes, "lam") for name, takes in LOSSES.items()},
    **{f"generalised_{name}": takes for name, takes in LOSSES.items()},
    **{f"denoising_{name}": (*takes, *LEVELS) for name, takes in LOSSES.items() if "terms" not in name},
    **dict.fromkeys(("energy_and_score", "laplacian", "score_and_laplacian", "hessian"), ("params", "x")),
    **dict.fromkeys(("hvp", "score_vjp"), ("params", "x", "v")),
    **dict.fromkeys(("energy_and_grad", "laplacian_and_grad"), ("params", "x", "weights", "workspace")),
}


def spoiled(rng: np.random.Generator, right: dict[str, Any], argument: str) -> Any:
    """Another object in its place, or for parameters sometimes inside."""
    things = objects(rng)
    thing = things[int(rng.integers(len(things)))]
    if argument == "params" and rng.random() < 0.7:
        keys = list(right["params"])
        return right["params"] | {keys[int(rng.integers(len(keys)))]: thing}
    return thing


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_any_object_that_is_given(backend: str, rounds: Iterator[np.random.Generator]) -> None:
    """Weights, masks, levels, noise and vectors."""
    net = module_of(CATALOGUE["skip_and_branch"](), "float32", backend, objective=EVERYTHING, functions="all")
    right = good(net, hutchinson=False)
    for rng in rounds:
        for _ in range(50):
            name = str(rng.choice(list(GIVEN)))
            argument = str(rng.choice(GIVEN[name]))
            given = {a: right[a] for a in GIVEN[name]}
            # Where x is right but has another N, what is given beside it is wrong.
            blamed = f"(?:{'|'.join(GIVEN[name][1:])})" if argument == "x" else argument
            answers(getattr(net, name), blamed, **given | {argument: spoiled(rng, right, argument)})


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
