"""`smgen check`: compares a module's gradient with slopes of the loss, and its other results with the definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np

from smgen.errors import BuildError
from smgen.hessians import DIAGONAL, MODES, Mode
from smgen.network import Network
from smgen.report.reference import Reference, evaluate

SAMPLES: Final = 3
TOLERANCE: Final = {"float64": 1e-10, "float32": 1e-4}
MEMORY: Final = 1 << 31
"""The most bytes that the matrices of the definitions may take."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: the values that were compared, their difference, its bound, and whether it is within."""

    what: str
    measured: str
    expected: str
    passed: bool


def check(network: Network, module: ModuleType, seed: int = 0) -> Iterator[Finding]:
    """Compare a generated module with the definitions, at random parameters and data. Yields a finding at a time.

    Raises `BuildError` where the definitions' matrices do not fit into memory.
    """
    rng = np.random.default_rng(seed)
    _affordable(network)
    params, x, conditions = _case(module, seed)
    with np.errstate(all="ignore"):
        references = _references(network, module, params, x, conditions)
    yield from _numbers(module, params, module._asarray(x), conditions, references, seed)
    yield _exactness(module, references)
    yield from _gradient(network, module, params, rng)


def _case(module: ModuleType, seed: int) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Random parameters, and samples with conditions, at which the module's gradient is finite, if there are any."""
    given = _given(module, 16, 0)
    with np.errstate(all="ignore"):
        params, x = module._test_case(module.init_params(seed), np.random.default_rng(seed), given)
    return params, module._asnumpy(x)[:SAMPLES], {name: given[name][:SAMPLES] for name in _conditions(module)}


def _given(module: ModuleType, count: int, seed: int) -> dict[str, Any]:
    """What functions take besides parameters and samples: probes and conditions."""
    probes = {"probes": module.draw_probes(count, seed)} if _mode(module).takes_probes else {}
    conditions = module._some_conditions(count, np.random.default_rng(seed)) if _conditions(module) else {}
    return probes | conditions


def _conditions(module: ModuleType) -> tuple[str, ...]:
    """The names of a module's conditions."""
    return tuple(getattr(module, "_CONDITIONS", ()))


def _references(
    network: Network, module: ModuleType, params: dict[str, Any], x: Any, conditions: dict[str, Any]
) -> list[Reference]:
    """The definitions at each sample."""
    host = {key: module._asnumpy(value) for key, value in params.items()}
    given = {name: module._asnumpy(value).astype(np.float64) for name, value in conditions.items()}
    rows = enumerate(module._asnumpy(x))
    return [
        evaluate(network, host, row.astype(np.float64), {name: value[n] for name, value in given.items()})
        for n, row in rows
    ]


def _affordable(network: Network) -> None:
    """Raise `BuildError` if the matrices of the definitions are too large: slopes, and the Hessian of every sample."""
    units = network.input.units
    numbers = sum(v.units * units for v in network.vertices) + 3 * units**2
    numbers += sum(v.units * network[source].units for v in network.vertices for source in v.inputs)
    if 8 * numbers > MEMORY:
        raise BuildError(
            what=f"the definitions that `check` compares with take {8 * numbers / 1e9:.3g} GB for {units:,} inputs",
            hint="check the same layers with fewer units; the module's own selftest() takes any network",
        )


def _mode(module: ModuleType) -> Mode:
    return MODES[module.METADATA["hessian"]]


def _lams(module: ModuleType) -> tuple[float, ...]:
    """The weights of the regulariser that a module takes: with a single probe, 0 alone."""
    return (0.0,) if module.METADATA.get("probes") == 1 else (0.0, 0.1)


def _numbers(
    module: ModuleType,
    params: dict[str, Any],
    x: Any,
    conditions: dict[str, Any],
    references: list[Reference],
    seed: int,
) -> Iterator[Finding]:
    bound = TOLERANCE[module.METADATA["dtype"]]
    lam = _lams(module)[-1]
    delta = np.array([r.delta for r in references])
    K = float(np.mean(0.5 * np.sum(delta**2, axis=1)))
    given = dict(conditions)
    probes = None
    if _mode(module).takes_probes:
        given["probes"] = module.draw_probes(len(references), seed)
        probes = module._asnumpy(given["probes"]).astype(np.float64)
    recursion, hessians = np.array([r.recursion for r in references]), np.array([r.hessian for r in references])
    truth = _mode(module).truth(recursion, hessians, probes, lam > 0)
    L = float(np.mean(np.sum(-truth.prime + lam * truth.squares, axis=1)))
    for name, ours, theirs in (
        ("energy E", module._asnumpy(module.energy(params, x, **conditions)), np.array([r.energy for r in references])),
        ("score −δ (1)", module._asnumpy(module.score(params, x, **conditions)), -delta),
        (truth.what, module._asnumpy(module.hessian_diagonal(params, x, **given)), truth.prime),
        (
            "K and L",
            np.array([float(term) for term in module.loss_terms(params, x, lam, **given)]),
            np.array([K, L]),
        ),
    ):
        if not np.isfinite(ours).all() and _overflows(theirs, module):
            yield _overflow(name, module, f"{bound:.0e}")
            continue
        with np.errstate(all="ignore"):
            error = float(np.max(np.abs(ours - theirs))) / max(float(np.max(np.abs(theirs))), 1.0)
        yield Finding(name, f"{error:.0e}", f"{bound:.0e}", error <= bound)


def _overflows(values: Any, module: ModuleType) -> bool:
    """Whether values of the definitions, or terms of their sums, exceed the module's dtype."""
    return not np.isfinite(values).all() or float(np.max(np.abs(values))) > float(np.finfo(module.DTYPE).max) / 1000


def _overflow(what: str, module: ModuleType, expected: str) -> Finding:
    """A line for a comparison that overflow makes meaningless."""
    return Finding(what, f"overflows in {module.METADATA['dtype']}", expected, True)


def _exactness(module: ModuleType, references: list[Reference]) -> Finding:
    """The recursion against the true Hessian. They must agree if the module uses the recursion as exact."""
    difference = sum(float(np.abs(r.recursion - r.diagonal).sum()) for r in references)
    size = sum(float(np.abs(r.diagonal).sum()) for r in references)
    if not np.isfinite([difference, size]).all():
        return Finding("recursion against the Hessian", "overflows in float64", "any", True)
    error = difference / max(size, 1e-300) if difference else 0.0
    exact = bool(module.METADATA["exact"]) and _mode(module) is DIAGONAL
    expected = "1e-10" if exact else "any"
    what = "recursion against the Hessian"
    return Finding(what, f"{error:.0e}", expected, not exact or error <= 1e-10)


def _gradient(
    network: Network, module: ModuleType, params: dict[str, Any], rng: np.random.Generator
) -> Iterator[Finding]:
    """The merged gradient against slopes of the loss and against ∂K + ∂L of the separate sweeps: the worst over λ."""
    bound = TOLERANCE[module.METADATA["dtype"]]
    given = _given(module, 16, 0)
    rows: dict[str, list[tuple[bool, float, float, float]]] = {key: [] for key in module.PARAMS}
    with np.errstate(all="ignore"):  # far from the parameters the loss may overflow
        params, x = module._test_case(params, rng, given)
        for lam in _lams(module):
            _, gradient = module.loss_and_grad(params, x, lam, **given)
            _, _, of_k, of_l = module.loss_and_grad_terms(params, x, lam, **given)
            for key, good, off, seen in module._slope_errors(params, x, lam, rng, "", given):
                parts = [module._asnumpy(part[key]).astype(np.float64) for part in (of_k, of_l, gradient)]
                size = max(float(np.max(np.abs(part))) for part in parts)
                apart = float(np.max(np.abs(parts[0] + parts[1] - parts[2])))
                rows[key].append((good, off, seen, apart / max(size, 1.0)))
    lost = not np.isfinite([off for errors in rows.values() for _, off, _, _ in errors]).all()
    conditions = {name: given[name] for name in _conditions(module)}
    lost = lost and _is_large(network, module, params, x, conditions)
    for key, errors in rows.items():
        goods, offs, visible, sums = zip(*errors, strict=True)
        measured = f"slope {max(offs):.0e}, ∂K + ∂L {max(sums):.0e}"
        if lost and not np.isfinite(offs).all():
            yield _overflow(f"∂J/∂{key}", module, f"{bound:.0e}")
            continue
        passed = all(goods) and max(sums) <= bound
        yield Finding(f"∂J/∂{key}", measured, f"{max(visible):.0e}, {bound:.0e}", passed)


def _is_large(network: Network, module: ModuleType, params: dict[str, Any], x: Any, conditions: dict[str, Any]) -> bool:
    """Whether the loss is so large by its definition that a gradient overflows."""
    with np.errstate(all="ignore"):
        references = _references(network, module, params, x, conditions)
        sizes = [np.max(np.abs(np.r_[r.energy, r.delta**2, r.recursion**2, r.diagonal**2])) for r in references]
    return not np.isfinite(sizes).all() or max(sizes) > float(np.finfo(module.DTYPE).max) ** 0.75
