"""What functions take besides parameters and samples, and calls of every function with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

import numpy as np

from tests.support import Array, assert_close

EVERYTHING: Final = "hyvarinen,denoising,generalised:log1p"
"""Objectives of which one is of each kind."""


def given_of(module: ModuleType, x: Array, seed: int = 0) -> dict[str, Any]:
    """Arrays in the module's dtype: conditions, probes, weights, a mask, noise."""
    rng, n = np.random.default_rng(seed), len(x)
    units = int(np.prod(x.shape[1:]))
    conditions = module._some_conditions(n, rng) if hasattr(module, "_CONDITIONS") else {}
    probes = module.METADATA.get("probes")
    drawn = {"probes": rng.choice([-1.0, 1.0], (n, probes, units)).astype(x.dtype)} if probes else {}
    return {
        "conditions": conditions,
        "probes": drawn,
        "weights": rng.random(n).astype(x.dtype),
        "signed": rng.standard_normal(n).astype(x.dtype),
        "mask": rng.random((n, units)) < 0.4,
        "v": rng.standard_normal((n, units)).astype(x.dtype),
        "noise": rng.standard_normal((n, units)).astype(x.dtype),
        "sigma": rng.uniform(0.5, 1.0, n).astype(x.dtype),
    }


def calls_of(module: ModuleType, params: Any, x: Any, given: dict[str, Any], lam: float) -> Iterator[tuple[str, Any]]:
    """The result of every function of `EVERYTHING`, plain and with all that it takes; x has no negative numbers."""
    own, probes = given["conditions"], given["conditions"] | given["probes"]
    noisy = {key: value for key, value in own.items() if key != "sigma"} | {"noise": given["noise"]}
    weighted = {"weights": given["weights"], "mask": given["mask"]}
    for name, arguments, keywords in (
        ("energy", (), own),
        ("score", (), own),
        ("energy_and_score", (), own),
        ("hessian", (), own),
        ("hvp", (given["v"],), own),
        ("score_vjp", (given["v"],), own),
        ("energy_and_grad", (given["signed"],), own),
        ("energy_and_grad", (), own),
        ("hessian_diagonal", (), probes),
        ("laplacian", (), probes),
        ("score_and_laplacian", (), probes),
        ("laplacian_and_grad", (given["signed"],), probes),
    ):
        yield name, getattr(module, name)(params, x, *arguments, **keywords)
    for prefix, arguments, keywords, has_terms in (
        ("", (lam,), probes, True),
        ("denoising_", (given["sigma"],), noisy, False),
        ("generalised_", (), probes, True),
    ):
        names = ["loss", "losses", "loss_and_grad", *["loss_terms", "loss_and_grad_terms"] * has_terms]
        for name in names:
            function = getattr(module, f"{prefix}{name}")
            yield f"{prefix}{name}", function(params, x, *arguments, **keywords)
            some = {"mask": given["mask"]} if name == "losses" else weighted
            some = some | ({"wrt_x": True} if name == "loss_and_grad" else {})
            yield f"{prefix}{name} with {', '.join(some)}", function(params, x, *arguments, **keywords, **some)
    yield "denoising_losses at one level", module.denoising_losses(params, x, 0.7, **noisy)
    yield "denoising_losses between levels", module.denoising_losses(params, x, (0.5, 1.0), rng=3, **noisy)


def leaves(result: Any) -> Iterator[Any]:
    """The numbers and arrays of a result."""
    for part in result if isinstance(result, tuple) else (result,):
        yield from part.values() if isinstance(part, dict) else (part,)


def assert_calls_agree(
    ours: Iterator[tuple[str, Any]],
    theirs: Iterator[tuple[str, Any]],
    tolerance: float,
    back: Callable[[Any], Any] = np.asarray,
) -> None:
    """The results of two modules, call by call; `back` brings those of the first to the host."""
    for (name, actual), (_, expected) in zip(ours, theirs, strict=True):
        for position, (a, b) in enumerate(zip(leaves(actual), leaves(expected), strict=True)):
            assert_close(back(a), b, tolerance, f"{name}[{position}]")
