"""What the self-test of a module checks: derivatives against the values that the module also has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from smgen.ir import PublicFunction, PublicLosses, public_losses
from smgen.objectives import SIGMA, Objective
from smgen.targets.build_info import BuildInfo
from smgen.targets.source import WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A value and its slopes, as Python source with `params`, `x`, `lam`, `given`, …; slopes by params are a dict.

    `by_x` says that slopes are by x. A `light` check goes along few directions. `lams` are the λ it is made for.
    """

    what: str
    value: str
    slopes: str
    by_x: bool = False
    light: bool = False
    lams: str = "(0.0,)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The checks of a module. `summary` says in lines what is checked and what is not, `unchecked` is the latter."""

    checks: tuple[Check, ...]
    summary: tuple[str, ...]
    unchecked: tuple[str, ...]
    low: float | None
    high: float | None


def selftest(info: BuildInfo) -> SelfTest:
    """The checks of a module."""
    checks = tuple(_Checks(info).all())
    checked = list(dict.fromkeys(check.what for check in checks))
    names = {check.what.partition(" ")[0] for check in checks} | {check.what.split(" of ")[-1].split(" ")[0] for check in checks}
    unchecked = tuple(_unchecked(info, names))
    texts = [f"Checked: {', '.join(checked)}."] if checked else []
    texts += [f"Not checked: {', '.join(unchecked)}."] if unchecked else []
    bounds = [objective.domain for objective in info.objectives if objective.domain != (None, None)]
    low, high = bounds[0] if bounds else (None, None)
    return SelfTest(
        checks=checks,
        summary=tuple(line for text in texts for line in textwrap.wrap(text, WIDTH)),
        unchecked=unchecked,
        low=low,
        high=high,
    )


class _Checks:
    """The checks that the functions of a module allow."""

    def __init__(self, info: BuildInfo) -> None:
        self.info = info
        self.names = {public.name for public in info.public}

    def all(self) -> Iterator[Check]:
        """Derivatives by x, sums, then losses."""
        yield from self._scores()
        yield from self._products()
        if self.info.parameters:
            yield from self._sums()
        for objective in self.info.objectives:
            yield from self._losses(public_losses(objective))

    def _scores(self) -> Iterator[Check]:
        has = self.names.__contains__
        energy = "_total(energy(params, x, **own))"
        if has("energy") and has("score"):
            yield Check(what="score (against energy)", value=energy, slopes="-_asnumpy(score(params, x, **own))", by_x=True)
        if has("energy_and_score"):
            yield Check(
                what="energy_and_score (against its own E)",
                value="_total(energy_and_score(params, x, **own)[0])",
                slopes="-_asnumpy(energy_and_score(params, x, **own)[1])",
                by_x=True,
                light=has("score"),
            )

    @property
    def _score(self) -> str:
        """The score as source; empty if there is none."""
        if "score" in self.names:
            return "score(params, x, **own)"
        if "energy_and_score" in self.names:
            return "energy_and_score(params, x, **own)[1]"
        return ""

    def _products(self) -> Iterator[Check]:
        if not self._score:
            return
        value, against = f"_total(-v * {self._score})", f"(against {self._score.partition('(')[0]})"
        if "hvp" in self.names:
            yield Check(what=f"hvp {against}", value=value, slopes="_asnumpy(hvp(params, x, v, **own))", by_x=True, light=True)
        if "hessian" in self.names:
            slopes = "(_asnumpy(hessian(params, x, **own)) @ _asnumpy(v)[:, :, None])[:, :, 0]"
            yield Check(what=f"hessian {against}", value=value, slopes=slopes, by_x=True, light=True)
        if "score_vjp" in self.names:
            yield Check(
                what=f"score_vjp by x {against}",
                value=f"_total(v * {self._score})",
                slopes="_asnumpy(score_vjp(params, x, v, **own)[1])",
                by_x=True,
                light=True,
            )
            if self.info.parameters:
                yield Check(
                    what=f"score_vjp {against}",
                    value=f"_total(v * {self._score})",
                    slopes="score_vjp(params, x, v, **own)[0]",
                )

    def _sums(self) -> Iterator[Check]:
        for name, given in (("energy_and_grad", "own"), ("laplacian_and_grad", "given")):
            if name in self.names:
                call = f"{name}(params, x, signed, **{given})"
                yield Check(what=f"{name} (against its own sum)", value=f"{call}[0]", slopes=f"{call}[1]")

    def _losses(self, losses: PublicLosses) -> Iterator[Check]:
        """The gradient of J against J; without one, those of its terms. Then by x, with weights and a mask."""
        objective, wanted = losses.objective, self.info.public
        arguments = _arguments(objective)
        lams = self._lams(objective)
        step, loss, terms = losses.step.name, losses.loss, losses.terms
        if losses.step in wanted:
            values = {
                "loss": f"{loss.name}({arguments})" if loss in wanted else "",
                "loss_terms": f"sum(map(float, {terms.name}({arguments})))" if terms is not None and terms in wanted else "",
            }
            name = next((name for name, text in values.items() if text), "")
            value = values.get(name) or f"{step}({arguments})[0]"
            against = f"{objective.prefix}{name}" if name else "its own J"
            if self.info.parameters:
                slopes = f"{step}({arguments})[1]"
                yield Check(what=f"{step} (against {against})", value=value, slopes=slopes, lams=lams)
            yield from self._general(losses, arguments, lams)
        if losses.separate is not None and losses.separate in wanted and self.info.parameters:
            yield from self._separate(losses, arguments, lams)

    def _general(self, losses: PublicLosses, arguments: str, lams: str) -> Iterator[Check]:
        """J with weights and a mask, by the parameters and by x."""
        step, call = losses.step.name, f"{losses.step.name}({arguments}, weights=weights, mask=mask, wrt_x=True)"
        last = f"{lams}[-1:]"
        value, whose = f"{call}[0]", "its own J"
        if losses.loss in self.info.public:
            value, whose = f"{losses.loss.name}({arguments}, weights=weights, mask=mask)", losses.loss.name
        if self.info.parameters:
            what = f"{step} with weights and a mask (against {whose})"
            yield Check(what=what, value=value, slopes=f"{call}[1]", light=True, lams=last)
        if losses.objective.domain == (None, None):
            what = f"{step} by x (against {whose})"
            yield Check(what=what, value=value, slopes=f"_asnumpy({call}[2])", by_x=True, light=True, lams=last)

    def _separate(self, losses: PublicLosses, arguments: str, lams: str) -> Iterator[Check]:
        assert losses.separate is not None and losses.terms is not None
        name, letters = losses.separate.name, losses.objective.letters
        has_terms = losses.terms in self.info.public
        values, whose = (losses.terms.name, losses.terms.name) if has_terms else (name, "its own terms")
        for position, letter in enumerate(letters):
            yield Check(
                what=f"{letter} of {name} (against {whose})",
                value=f"{values}({arguments})[{position}]",
                slopes=f"{name}({arguments})[{len(letters) + position}]",
                light=losses.step in self.info.public,
                lams=lams,
            )

    def _lams(self, objective: Objective) -> str:
        if not objective.takes_lam:
            return "(0.0,)"
        single = self.info.single_probe and objective.is_curved
        return "(0.0,)" if single else "(0.0, 0.1)"


def _arguments(objective: Objective) -> str:
    """The arguments of a loss as source."""
    noise = "noise=noise, " if SIGMA in objective.given else ""
    names = ["params", "x", *(g.name for g in objective.given if g.name != "noise"), *(["lam"] * objective.takes_lam)]
    given = "**given" if objective.is_curved else "**own"
    return f"{', '.join(names)}, {noise}{_without_sigma(objective, given)}"


def _without_sigma(objective: Objective, given: str) -> str:
    """Conditions, without the one that `sigma` is."""
    if SIGMA not in objective.given:
        return given
    return '**{key: value for key, value in own.items() if key != "sigma"}'


def _unchecked(info: BuildInfo, checked: set[str]) -> Iterator[str]:
    """Functions that nothing in the module can be compared with, and why."""
    names = {public.name for public in info.public}
    for public in info.public:
        if public.name not in checked and not _is_compared(public, checked, info):
            yield f"{public.name} ({_why(public, names, info)})"


def _is_compared(public: PublicFunction, checked: set[str], info: BuildInfo) -> bool:
    """Whether a function is a value that derivatives are compared with."""
    if public.name == "energy":
        return "score" in checked
    for losses in map(public_losses, info.objectives):
        if public in losses.all:
            return losses.step.name in checked or (losses.separate is not None and losses.separate.name in checked and public == losses.terms)
    return False


def _why(public: PublicFunction, names: set[str], info: BuildInfo) -> str:
    if public.name == "energy":
        return "there is no score"
    if public.name == "score":
        return "there is no energy"
    if public.name in {"hvp", "hessian", "score_vjp"}:
        return "there is no score"
    if public.name in {"hessian_diagonal", "laplacian", "score_and_laplacian"}:
        return "smgen check does"
    if not info.parameters:
        return "there are no parameters"
    losses = next((losses for losses in map(public_losses, info.objectives) if public in losses.all), None)
    return f"there is no {losses.step.name}" if losses is not None else "there are no parameters"
