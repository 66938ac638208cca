"""The numbers of a module beside those of the definitions, function by function, as far as the module has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from smgen.ir import public_losses
from smgen.objectives import DELTA, DELTA_PRIME, LAM, NOISE, SIGMA, Objective, X
from smgen.report.case import Case
from smgen.report.definitions import Array


def values(case: Case) -> Iterator[tuple[str, Array, Array]]:
    """What is compared, the module's numbers, and those of the definitions."""
    yield from _derivatives(case)
    for objective in case.objectives:
        yield from _losses(case, objective)


def _derivatives(case: Case) -> Iterator[tuple[str, Array, Array]]:
    """Energies, scores, Hessians and their products."""
    module, own, given = case.module, case.first("own"), case.first("given")
    x = module._asarray(module._asnumpy(case.x)[: len(case.samples)])
    delta = np.array([r.delta for r in case.definitions])
    hessian = np.array([r.hessian for r in case.definitions])
    truth = case.truth(squares=False)
    energy = np.array([r.energy for r in case.definitions])
    vectors, laplacian = case.host("v"), truth.prime.sum(axis=1)
    known = (
        ("energy", "energy E", own, (), (energy,)),
        ("score", "score −δ (1)", own, (), (-delta,)),
        ("energy_and_score", "E and score at once", own, (), (energy, -delta)),
        ("hessian_diagonal", truth.what, given, (), (truth.prime,)),
        ("laplacian", "Laplacian Σ δ′", given, (), (laplacian,)),
        ("score_and_laplacian", "score and Laplacian", given, (), (-delta, laplacian)),
        ("hvp", "H v", own, (case.first("v"),), (np.einsum("nde,ne->nd", hessian, vectors),)),
        ("hessian", "Hessian (2)", own, (), (hessian,)),
    )
    for name, what, keywords, arguments, expected in known:
        function = vars(module).get(name)
        if function is not None:
            found = function(case.params, x, *arguments, **keywords)
            found = found if isinstance(found, tuple) else (found,)
            yield what, _joined([module._asnumpy(part) for part in found]), _joined(list(expected))


def _joined(parts: list[Array]) -> Array:
    return np.concatenate([np.ravel(part) for part in parts]) if len(parts) > 1 else parts[0]


def _losses(case: Case, objective: Objective) -> Iterator[tuple[str, Array, Array]]:
    """The terms of an objective for each sample, and with weights and a mask, from δ and δ′ of the definitions."""
    module, losses = case.module, public_losses(objective)
    each = vars(module).get(losses.each.name)
    names = [public.name for public in (losses.terms, losses.loss) if public is not None]
    name = next((name for name in names if name in vars(module)), "")
    if not name and each is None:
        return
    x = module._asarray(module._asnumpy(case.x)[: len(case.samples)])
    keywords: dict[str, Any] = dict(case.first("given" if objective.is_curved else "own"))
    arguments: list[Any] = [case.params, x]
    if SIGMA in objective.given:
        keywords.pop("sigma", None)
        arguments.append(case.first("sigma"))
        keywords |= {"noise": case.first("noise"), "weighting": None}
    arguments += [case.lam] * objective.takes_lam
    kept = ~np.asarray(module._asnumpy(case.first("mask")))
    terms, masked = _terms(case, objective, np.ones_like(kept)), _terms(case, objective, kept)
    if each is not None:
        found = module._asnumpy(each(*arguments, **keywords))
        yield f"{losses.each.name} of each sample", found, np.sum(terms, axis=(0, 2))
    if not name:
        return
    weights = case.host("weights")
    for what, extra, wanted in (
        ("", {}, [term.sum(axis=1).mean() for term in terms]),
        (
            " with weights and a mask",
            {"weights": case.first("weights"), "mask": case.first("mask")},
            [term.sum(axis=1) @ weights / weights.sum() for term in masked],
        ),
    ):
        found = vars(module)[name](*arguments, **keywords, **extra)
        parts = found if isinstance(found, tuple) else (found,)
        numbers = wanted if isinstance(found, tuple) else [sum(wanted)]
        yield f"{name}{what}", np.array([float(part) for part in parts]), np.array(numbers)


def _terms(case: Case, objective: Objective, kept: Array) -> Array:
    """ℓ of each term at every entry of x that is kept; no noise is added to the others."""
    sigma = noise = None
    if SIGMA in objective.given:
        sigma, noise, conditions = case.host("sigma")[:, np.newaxis], case.host("noise"), dict(case.first("own"))
        conditions |= {"sigma": case.first("sigma")} if "sigma" in conditions else {}
        delta = np.array([r.delta for r in case.references(case.samples + sigma * noise * kept, conditions)])
        prime = squares = np.zeros_like(delta)
    else:
        truth, delta = case.truth(squares=case.lam > 0), np.array([r.delta for r in case.definitions])
        prime, squares = truth.prime, truth.squares
    square = sp.Symbol("δ′²", real=True)
    symbols = (DELTA, DELTA_PRIME, square, LAM, X, SIGMA.symbol, NOISE.symbol)
    numbers = (delta, prime, squares, case.lam, case.samples, sigma, noise)
    found = []
    for letter in objective.letters:
        expr = objective.term(letter)
        expr = sp.expand(expr).subs(DELTA_PRIME**2, square) if expr.has(DELTA_PRIME) else expr
        value = sp.lambdify(symbols, expr, [{"choose": lambda a, b, x, y: np.where(a < b, x, y)}, "numpy"])(*numbers)
        found.append(np.broadcast_to(value, delta.shape) * kept)
    return np.array(found)
