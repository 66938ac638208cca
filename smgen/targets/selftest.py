"""What the self-test of a module checks: derivatives against the values that the module also has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from smgen.ir import PublicLosses, public_losses
from smgen.objectives import NOISE, SIGMA, Objective
from smgen.targets.build_info import BuildInfo
from smgen.targets.source import WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A value and its slopes, as Python source with `params`, `x`, `lam`, `given`, …; slopes by params are a dict.

    `function` is the function whose slopes are checked, `against` what has the value, `what` the words between. `by_x`
    says that slopes are by x. A `light` check goes along few directions. `lams` are the λ it is made for.
    """

    function: str
    against: str
    value: str
    slopes: str
    part: str = ""
    by_x: bool = False
    light: bool = False
    lams: str = "(0.0,)"

    @property
    def what(self) -> str:
        """The check in words."""
        part = self.part.format(self.function) if self.part else self.function
        return f"{part} (against {self.against})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The checks of a module. `samples` makes x, as source.

    `summary` says in lines what is checked and what is not, `unchecked` is the latter.
    """

    checks: tuple[Check, ...]
    summary: tuple[str, ...]
    unchecked: tuple[str, ...]
    samples: str

    @property
    def totals(self) -> bool:
        """Whether a value is the sum of an array."""
        return any("_total(" in check.value for check in self.checks)


def selftest(info: BuildInfo) -> SelfTest:
    """The checks of a module."""
    checks = tuple(_Checks(info).all())
    unchecked = tuple(_unchecked(info, {name for check in checks for name in (check.function, check.against)}))
    texts = [f"Checked: {', '.join(dict.fromkeys(check.what for check in checks))}."] if checks else []
    texts += [f"Not checked: {', '.join(unchecked)}."] if unchecked else []
    return SelfTest(
        checks=checks,
        summary=tuple(line for text in texts for line in textwrap.wrap(text, WIDTH)),
        unchecked=unchecked,
        samples=_samples(info),
    )


def _samples(info: BuildInfo) -> str:
    """16 samples, normal or within the bounds of an objective, as source."""
    low, high = next((o.domain for o in info.objectives if o.domain != (None, None)), (None, None))
    if low is None:
        return "rng.standard_normal((16, _D))"
    if high is None:
        return f"{low} + np.abs(rng.standard_normal((16, _D)))"
    return f"rng.uniform({low}, {high}, (16, _D))"


class _Checks:
    """The checks that the functions of a module allow."""

    def __init__(self, info: BuildInfo) -> None:
        self.info = info
        self.names = {public.name for public in info.public}

    def all(self) -> Iterator[Check]:
        """Derivatives by x, sums, then losses."""
        yield from self._scores()
        if self._score:
            yield from self._products()
        if self.info.parameters:
            yield from self._sums()
        for objective in self.info.objectives:
            yield from self._losses(public_losses(objective))

    def _scores(self) -> Iterator[Check]:
        own, both = "(params, x, **own)", "energy_and_score(params, x, **own)"
        for name, against, value, slopes in (
            ("score", "energy", f"energy{own}", f"score{own}"),
            ("energy_and_score", "its own E", f"{both}[0]", f"{both}[1]"),
        ):
            if name in self.names and (against in self.names or against == "its own E"):
                is_second = {"score", "energy"} < self.names and name != "score"
                yield Check(
                    function=name,
                    against=against,
                    value=f"_total({value})",
                    slopes=f"-_asnumpy({slopes})",
                    by_x=True,
                    light=is_second,
                )

    @property
    def _score(self) -> str:
        """The function that has the score; empty if there is none."""
        return next((name for name in ("score", "energy_and_score") if name in self.names), "")

    def _products(self) -> Iterator[Check]:
        """Products with H, and the derivatives of products with the score."""
        own = "(params, x, **own)"
        score = f"score{own}" if self._score == "score" else f"energy_and_score{own}[1]"
        product = f"(_asnumpy(hessian{own}) @ _asnumpy(v)[:, :, None])[:, :, 0]"
        for name, sign, slopes, part in (
            ("hvp", "-", "_asnumpy(hvp(params, x, v, **own))", ""),
            ("hessian", "-", product, ""),
            ("score_vjp", "", "_asnumpy(score_vjp(params, x, v, **own)[1])", "{} by x"),
        ):
            if name in self.names:
                value = f"_total({sign}v * {score}.reshape(v.shape))"
                yield Check(
                    function=name,
                    against=self._score,
                    value=value,
                    slopes=f"{slopes}.reshape(x.shape)",
                    part=part,
                    by_x=True,
                    light=True,
                )
        if "score_vjp" in self.names and self.info.parameters:
            value = f"_total(v * {score}.reshape(v.shape))"
            slopes = "score_vjp(params, x, v, **own)[0]"
            yield Check(function="score_vjp", against=self._score, value=value, slopes=slopes)

    def _sums(self) -> Iterator[Check]:
        for name, given in (("energy_and_grad", "own"), ("laplacian_and_grad", "given")):
            if name in self.names:
                call = f"{name}(params, x, signed, **{given})"
                yield Check(function=name, against="its own sum", value=f"{call}[0]", slopes=f"{call}[1]")

    def _losses(self, losses: PublicLosses) -> Iterator[Check]:
        """The gradient of J against J, also by x, with weights and a mask; then those of the terms."""
        arguments = _arguments(losses.objective)
        if losses.step in self.info.public:
            yield from self._of_step(losses, arguments)
        if losses.separate in self.info.public and self.info.parameters:
            yield from self._separate(losses, arguments)

    def _of_step(self, losses: PublicLosses, arguments: str) -> Iterator[Check]:
        step, lams = losses.step.name, self._lams(losses.objective)
        against, value = self._value(losses, arguments)
        if self.info.parameters:
            slopes = f"{step}({arguments})[1]"
            yield Check(function=step, against=against, value=value, slopes=slopes, lams=lams)
        more = f"{arguments}, weights=weights, mask=mask"
        against, value = self._value(losses, more)
        for by_x, part, slopes in (
            (False, "{} with weights and a mask", f"{step}({more})[1]"),
            (True, "{} by x", f"_asnumpy({step}({more}, wrt_x=True)[2])"),
        ):
            if losses.objective.domain == (None, None) if by_x else self.info.parameters:
                yield Check(
                    function=step,
                    against=against,
                    value=value,
                    slopes=slopes,
                    part=part,
                    by_x=by_x,
                    light=True,
                    lams=f"{lams}[-1:]",
                )

    def _value(self, losses: PublicLosses, arguments: str) -> tuple[str, str]:
        """What has J, and J as source: a function of its own, the sum of the terms, or the step itself."""
        if losses.loss in self.info.public:
            return losses.loss.name, f"{losses.loss.name}({arguments})"
        if losses.terms is not None and losses.terms in self.info.public:
            return losses.terms.name, f"sum(map(float, {losses.terms.name}({arguments})))"
        return "its own J", f"{losses.step.name}({arguments})[0]"

    def _separate(self, losses: PublicLosses, arguments: str) -> Iterator[Check]:
        assert losses.separate is not None
        assert losses.terms is not None
        name, letters = losses.separate.name, losses.objective.letters
        has_terms = losses.terms in self.info.public
        for position, letter in enumerate(letters):
            yield Check(
                function=name,
                against=losses.terms.name if has_terms else "its own terms",
                value=f"{losses.terms.name if has_terms else name}({arguments})[{position}]",
                slopes=f"{name}({arguments})[{len(letters) + position}]",
                part=f"{letter} of {{}}",
                light=losses.step in self.info.public,
                lams=self._lams(losses.objective),
            )

    def _lams(self, objective: Objective) -> str:
        single = self.info.single_probe and objective.is_curved
        return "(0.0, 0.1)" if objective.takes_lam and not single else "(0.0,)"


def _arguments(objective: Objective) -> str:
    """The arguments of a loss as source."""
    given = [g.name for g in objective.given if g != NOISE]
    names = ["params", "x", *given, *["lam"] * objective.takes_lam, *["noise=noise"] * (NOISE in objective.given)]
    rest = "**given" if objective.is_curved else "**own"
    if SIGMA in objective.given:  # conditions, without the one that σ may be
        rest = '**{key: value for key, value in own.items() if key != "sigma"}'
    return ", ".join([*names, rest])


def _unchecked(info: BuildInfo, checked: set[str]) -> Iterator[str]:
    """Functions that nothing in the module can be compared with, and why."""
    steps = {name: losses for losses in map(public_losses, info.objectives) for name in (f.name for f in losses.all)}
    needs = {"energy": "score", "score": "energy", "hvp": "score", "hessian": "score", "score_vjp": "score"}
    for name in (public.name for public in info.public):
        losses = steps.get(name)
        if name in checked or (losses is not None and losses.step.name in checked):
            continue
        if name in {"hessian_diagonal", "laplacian", "score_and_laplacian"}:
            why = "smgen check does"
        elif name in needs:
            why = f"there is no {needs[name]}"
        elif losses is None or not info.parameters:
            why = "there are no parameters"
        else:
            why = f"there is no {losses.step.name}"
        yield f"{name} ({why})"
