"""`smgen check`: compares a module's gradient with slopes of the loss, and its other results with the definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np

from smgen.hessians import DIAGONAL
from smgen.network import Network
from smgen.report.case import Case, affordable
from smgen.report.compared import values
from smgen.targets.build_info import NO_DELTA_PRIME

TOLERANCE: Final = {"float64": 1e-10, "float32": 1e-4}


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
    affordable(network)
    with np.errstate(all="ignore"):
        params, x, given = module._test_case(module.init_params(seed), rng)
    case = Case(network=network, module=module, params=params, x=x, given=given)
    yield from _compared(case)
    if case.module.METADATA["reason"] != NO_DELTA_PRIME:
        yield _exactness(case)
    yield from _gradients(case, rng)


def _compared(case: Case) -> Iterator[Finding]:
    """Numbers beside those of the definitions."""
    module, bound = case.module, TOLERANCE[case.module.METADATA["dtype"]]
    for name, ours, theirs in values(case):
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


def _exactness(case: Case) -> Finding:
    """The recursion against the true Hessian. They must agree if the module uses the recursion as exact."""
    references = case.definitions
    difference = sum(float(np.abs(r.recursion - r.diagonal).sum()) for r in references)
    size = sum(float(np.abs(r.diagonal).sum()) for r in references)
    if not np.isfinite([difference, size]).all():
        return Finding("recursion against the Hessian", "overflows in float64", "any", True)
    error = difference / max(size, 1e-300) if difference else 0.0
    exact = bool(case.module.METADATA["exact"]) and case.mode is DIAGONAL
    expected = "1e-10" if exact else "any"
    what = "recursion against the Hessian"
    return Finding(what, f"{error:.0e}", expected, not exact or error <= 1e-10)


def _gradients(case: Case, rng: np.random.Generator) -> Iterator[Finding]:
    """The self-test's slopes: by x, and by each parameter the worst of all functions and λ; then ∂K + ∂L."""
    module, bound = case.module, TOLERANCE[case.module.METADATA["dtype"]]
    rows: dict[str, list[tuple[bool, float, float]]] = {}
    with np.errstate(all="ignore"):  # far from where they are compared, values may overflow
        for words, value, slopes, start, light in module._checks(case.params, case.x, case.given):
            for name, *found in module._slope_errors(value, slopes, start, light, rng):
                what = words(name)
                rows.setdefault(name if what.startswith("lam = ") else what, []).append(tuple(found))
        apart = _apart(case)
    lost = not np.isfinite([off for errors in rows.values() for _, off, _ in errors]).all() and _is_large(case)
    for key, errors in rows.items():
        goods, offs, visible = zip(*errors, strict=True)
        name = f"∂/∂{key}" if key in module.PARAMS else key
        if lost and not np.isfinite([*offs, apart.get(key, 0.0)]).all():
            yield _overflow(name, module, f"{max(visible):.0e}")
        elif key in apart:
            measured = f"slope {max(offs):.0e}, ∂K + ∂L {apart[key]:.0e}"
            yield Finding(name, measured, f"{max(visible):.0e}, {bound:.0e}", all(goods) and apart[key] <= bound)
        else:
            yield Finding(name, f"slope {max(offs):.0e}", f"{max(visible):.0e}", all(goods))


def _apart(case: Case) -> dict[str, float]:
    """How far the gradients of the terms of Hyvärinen's loss are from that of their sum, by parameter."""
    module, worst = case.module, dict.fromkeys(case.module.PARAMS, 0.0)
    if not hasattr(module, "loss_and_grad") or not hasattr(module, "loss_and_grad_terms"):
        return {}
    for lam in dict.fromkeys((0.0, case.lam)):
        _, gradient = module.loss_and_grad(case.params, case.x, lam, **case.given["given"])
        _, _, of_k, of_l = module.loss_and_grad_terms(case.params, case.x, lam, **case.given["given"])
        for key in worst:
            parts = [module._asnumpy(part[key]).astype(np.float64) for part in (of_k, of_l, gradient)]
            size = max(1.0, *(float(np.max(np.abs(part))) for part in parts))
            worst[key] = float(np.maximum(worst[key], np.max(np.abs(parts[0] + parts[1] - parts[2])) / size))
    return worst


def _is_large(case: Case) -> bool:
    """Whether values are so large by their definitions that a gradient overflows."""
    with np.errstate(all="ignore"):
        rows = np.asarray(case.module._asnumpy(case.x), np.float64)
        references = case.references(rows, case.given["own"])
        sizes = [np.max(np.abs(np.r_[r.energy, r.delta**2, r.recursion**2, r.diagonal**2])) for r in references]
    return not np.isfinite(sizes).all() or max(sizes) > float(np.finfo(case.module.DTYPE).max) ** 0.75
