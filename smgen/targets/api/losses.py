"""The losses of an objective, as users call them: plain, or with weights, a mask and the derivative by x."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smgen.ir import PublicLosses, steps_of
from smgen.objectives import NOISE, SIGMA, Objective
from smgen.targets.api.parts import OWN_WORKSPACE, WORKSPACE, ApiFunction, Parts, docstring, signature
from smgen.targets.build_info import BuildInfo


def losses_of(info: BuildInfo, losses: PublicLosses) -> Iterator[ApiFunction]:
    """The losses of an objective."""
    writer = _Losses(info, losses.objective)
    wanted = set(info.public)
    if losses.loss in wanted or losses.terms in wanted:
        yield writer.values()
    if losses.loss in wanted:
        yield writer.loss()
    if losses.terms in wanted:
        yield writer.terms()
    if losses.each in wanted:
        yield writer.each()
    if losses.step in wanted:
        yield writer.step("step")
    if losses.separate in wanted:
        yield writer.step("separate")


class _Losses:
    """The functions of one objective."""

    def __init__(self, info: BuildInfo, objective: Objective) -> None:
        self.info, self.objective, self.parts = info, objective, Parts(info)
        self.prefix, self.steps = objective.prefix, steps_of(objective)
        self.noisy = SIGMA in objective.given
        self.conditions = [c for c in self.parts.conditions if not (self.noisy and c == SIGMA.name)]
        self.probed = self.parts.is_probed(self.steps["step"].by_lam["any"])
        self.others = [g for g in objective.given if g not in (SIGMA, NOISE)]
        self.levels = ", levels" if self.noisy else ""

    # Arguments

    @property
    def positional(self) -> list[str]:
        """What may be given by position."""
        own = [*(["sigma"] if self.noisy else []), *(given.name for given in self.others)]
        return ["params", "x", *own, *(["lam=0.0"] if self.objective.takes_lam else [])]

    @property
    def keywords(self) -> list[str]:
        """What is given by name."""
        noise = ["noise=None", "rng=None", 'weighting="variance"'] if self.noisy else []
        probes = ["rng=None", "probes=None"] if self.probed else []
        return [*self.conditions, *noise, *probes]

    @property
    def passed_on(self) -> str:
        """The arguments by their names."""
        return ", ".join(text.partition("=")[0] for text in (*self.positional, *self.keywords))

    def prepared(self) -> list[str]:
        """The lines that check arguments, and draw noise or probes."""
        lines = ["rng, sigma = _noise_levels(x, sigma, noise, rng)"] if self.noisy else []
        lines.append(self.parts.checked("lam" if self.objective.takes_lam else ""))
        if self.objective.domain != (None, None):
            low, high = self.objective.domain
            lines.append(f"_check_domain(x, {low}, {high})")
        for given in self.others:
            check, rows = ("_like_x", "rows") if given.is_like_x else ("_sample_numbers", "len(rows)")
            lines.append(f'{given.name} = {check}("{given.name}", {given.name}, {rows})')
        if self.noisy:
            lines += ["noise = _noise(noise, rows, rng)", "levels = _level_weights(sigma, weighting)"]
        return lines + (["probes = _drawn(rows, rng, probes)"] if self.probed else [])

    @property
    def zero_alone(self) -> bool:
        """Whether there is a loss for λ = 0 alone."""
        return self.info.single_probe and self.probed and self.objective.takes_lam

    def plain(self, kind: str, workspace: str = OWN_WORKSPACE) -> str:
        """The call of the internal function for plain arguments."""
        by_lam = self.steps[kind].by_lam
        function = by_lam["zero" if self.zero_alone else "any"]
        name = f"_{function.name}"
        if len(by_lam) > 1 and not self.zero_alone:
            name = f"({name} if lam else _{by_lam['zero'].name})"
        return f"{name}({self.parts.passed(function, workspace)})"

    def general(self, kind: str, workspace: str = OWN_WORKSPACE) -> str:
        """The call of the internal function with weights of entries."""
        function = self.steps[kind].general["zero" if self.zero_alone else "any"]
        return f"_{function.name}({self.parts.passed(function, workspace)})"

    def masked(self, weights: str, shares: str = "") -> list[str]:
        """The lines that make weights of entries."""
        lines = ["noise = _kept(noise, mask, rows)"] if self.noisy else []
        return [*lines, f"weights = _entry_weights({weights}, mask, rows{self.levels}{shares})"]

    # Functions

    def values(self) -> ApiFunction:
        """The helper of `loss` and `loss_terms`: the terms and J, means over the batch."""
        body = self.prepared()
        if self.objective.given:
            body += ["if mask is None:", f"    weights = _mean_weights(weights, rows{self.levels})"]
            body += [f"    return {self.plain('terms')}", "shares = _mean_weights(weights, rows)"]
        else:
            body += ["if weights is None and mask is None:", f"    return {self.plain('terms')}"]
            body += ["shares = _mean_weights(weights, rows)", "if mask is None:"]
            body += [f"    return _weighted_means(shares, {self.plain('each')})"]
        body += [*self.masked("None", ", shares=shares"), f"return _weighted_means(shares, {self.general('each')})"]
        arguments = f"{self.passed_on}, weights, mask"
        doc = docstring(f"{'The terms and ' * self.objective.has_terms}J, means over the batch.")
        return ApiFunction(name=f"_{self.prefix}means", arguments=arguments, doc=doc, body=tuple(body))

    def _delegated(self, name: str, doc: tuple[str, ...], pick: str) -> ApiFunction:
        keywords = [*self.keywords, "weights=None", "mask=None"]
        call = f"_{self.prefix}means({self.passed_on}, weights, mask)"
        if self.objective.has_terms:
            call += pick
        return ApiFunction(name=name, arguments=signature(self.positional, keywords), doc=doc, body=(f"return {call}",))

    def loss(self) -> ApiFunction:
        letters = " + ".join(self.objective.letters)
        start = f"J = {letters}, the" if self.objective.has_terms else "J, the"
        where = f" with {self.objective.where}" if self.objective.where else ""
        weight = "w(σ) " if self.noisy else ""
        text = f"{start} mean over the batch of {weight}{self.objective.sum_of_equations}{where}."
        return self._delegated(f"{self.prefix}loss", docstring(text, *self._explained()), "[-1]")

    def terms(self) -> ApiFunction:
        letters = self.objective.letters
        text = " and ".join(f"{letter} = {self.objective.equation(letter)}" for letter in letters)
        return self._delegated(f"{self.prefix}loss_terms", docstring(f"{text}, means over the batch."), "[:-1]")

    def _explained(self) -> Iterator[str]:
        """What the arguments mean."""
        if self.noisy:
            yield (
                "`sigma` is a number, an array of one for each sample, or a pair (least, greatest), between which the "
                "logarithm of σ is drawn evenly for each sample. `noise` is ε, (N, …) like x; without it ε is drawn "
                'from N(0, 1) with `rng`, a seed or a Generator. w is σ² for weighting="variance", 1 for None, or what '
                "a function of an array of σ returns."
            )
        yield (
            "`weights` are one number of at least 0 for each sample: the mean is Σ_n w_n J_n / Σ_n w_n. `mask`, a bool "
            "for each number of x or for each of one sample, is True for what the loss leaves out: it is summed over "
            "the other dimensions" + (", and no noise is added there." if self.noisy else ".")
        )

    def each(self) -> ApiFunction:
        """J of each sample."""
        pick = "[-1]" if self.objective.has_terms else ""
        body = [*self.prepared(), "if mask is None:"]
        if self.objective.given:
            body.append(f"    weights = {'levels' if self.noisy else '_mean_weights(None, rows)'}")
        body += [f"    return {self.plain('each')}{pick}", *self.masked("None")]
        body.append(f"return {self.general('each')}{pick}")
        return ApiFunction(
            name=f"{self.prefix}losses",
            arguments=signature(self.positional, [*self.keywords, "mask=None"]),
            doc=docstring("J of each sample, (N,): their mean is the loss."),
            body=tuple(body),
        )

    def step(self, kind: str) -> ApiFunction:
        """A loss and its gradient, or the terms and the gradient of each."""
        merged = kind == "step"
        extra = ["weights=None", "mask=None", *["wrt_x=False"] * merged, "workspace=None"]
        body = [*self.prepared(), WORKSPACE, *["wrt_x = _wanted(wrt_x)"] * merged]
        plain = ["weights is None"] * (not self.objective.given) + ["mask is None"] + ["not wrt_x"] * merged
        body.append(f"if {' and '.join(plain)}:")
        if self.objective.given:
            body.append(f"    weights = _mean_weights(weights, rows{self.levels})")
        body += [f"    return {self.plain(kind, 'workspace')}", *self.masked("weights")]
        call = self.general(kind, "workspace")
        if merged:
            body.append(f"J, gradient, by_x = {call}")
            body.append(f"return (J, gradient, by_x{self.parts.shaped}) if wrt_x else (J, gradient)")
        else:
            body.append(f"return {call}")
        letters = self.objective.letters
        text = (
            "J and its exact gradient, a dict of arrays like `params`; with `wrt_x` also ∂J/∂x."
            if merged
            else f"{_listed([*letters, *(f'∂{letter}' for letter in letters)])}: the terms of the loss and their "
            "gradients apart."
        )
        return ApiFunction(
            name=f"{self.prefix}{self.steps[kind].by_lam['any'].base.removeprefix(self.prefix)}",
            arguments=signature(self.positional, [*self.keywords, *extra]),
            doc=docstring(text),
            body=tuple(body),
        )


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
