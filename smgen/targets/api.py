"""The functions that users of a module call, as Python source: each checks arguments and runs an internal one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smgen.ir import Function, PublicFunction, PublicLosses, public_losses, steps_of
from smgen.objectives import NOISE, SIGMA, Objective
from smgen.targets.arguments import listed
from smgen.targets.build_info import BuildInfo
from smgen.targets.source import WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFunction:
    """A function as source: its name, its arguments, the lines of its docstring and of its body."""

    name: str
    arguments: str
    doc: tuple[str, ...]
    body: tuple[str, ...]


def api_functions(info: BuildInfo) -> Iterator[ApiFunction]:
    """The functions of a module in order, with the helpers that several of them call."""
    for public in info.public:
        if len(public.runs) == 1:
            yield _derivative(info, public)
    for objective in info.objectives:
        losses = public_losses(objective)
        if set(losses.all) & set(info.public):
            yield from _of_objective(info, losses)


def _doc(*sentences: str) -> tuple[str, ...]:
    """A docstring: the first sentence, and paragraphs below."""
    first, *others = sentences
    lines = textwrap.wrap(f'"""{first}', WIDTH - 4)
    for text in others:
        lines += ["", *textwrap.wrap(text, WIDTH - 4)]
    if len(lines) == 1:
        return (f'{lines[0]}"""',)
    return (*lines, '"""')


def _signature(positional: Sequence[str], keywords: Sequence[str]) -> str:
    return ", ".join([*positional, *(["*", *keywords] if keywords else [])])


class _Parts:
    """The parts of functions that depend on the module: conditions, probes, and the shape of x."""

    def __init__(self, info: BuildInfo) -> None:
        self.info = info
        self.conditions = [condition.name for condition in info.conditions]

    def keywords(self, function: Function) -> list[str]:
        """The conditions, and what decides about probes."""
        return [*self.conditions, *(["rng=None", "probes=None"] if self.is_probed(function) else [])]

    def is_probed(self, function: Function) -> bool:
        """Whether a function takes probes."""
        return self.info.takes_probes and function.curved

    def checked(self, lam: str = "") -> str:
        """The line that checks params, x, λ and conditions."""
        known = [lam or "0.0", *self.conditions] if lam or self.conditions else []
        return f"params, rows, {'lam' if lam else '_'} = _check({', '.join(['params', 'x', *known])})"

    def drawn(self, function: Function) -> list[str]:
        """The line that draws probes."""
        return ["probes = _drawn(rows, rng, probes)"] if self.is_probed(function) else []

    def passed(self, function: Function, *, lam: bool = False, workspace: str = "_own_workspace()") -> str:
        """The arguments of an internal function."""
        names = [*(given.name for given in function.given), *(["probes"] if self.is_probed(function) else [])]
        return f"params, rows, {listed(names)}{'lam' if lam else '0.0'}, {workspace}"

    @property
    def shaped(self) -> str:
        """What gives rows the shape of x."""
        return ".reshape(x.shape)" if self.info.image else ""


WORKSPACE = "workspace = _checked_workspace(workspace)"


def _derivative(info: BuildInfo, public: PublicFunction) -> ApiFunction:
    """Energies, scores, Hessians and their products, and gradients of sums of them."""
    parts, function = _Parts(info), public.only
    takes = [given.name for given in function.given]
    positional = ["params", "x", *(f"{name}=None" if name == "weights" else name for name in takes)]
    keywords = [*parts.keywords(function), *(["workspace=None"] if function.gradients else [])]
    body = [parts.checked()]
    for name in takes:
        body.append(
            f"{name} = "
            + ("_sample_weights(weights, rows)" if name == "weights" else f'_like_x("{name}", {name}, rows)')
        )
    body += parts.drawn(function)
    workspace = "_own_workspace()"
    if function.gradients:
        body.append(WORKSPACE)
        workspace = "workspace"
    call = f"_{function.name}({parts.passed(function, workspace=workspace)})"
    names = [*function.results, *(["gradient"] * len(function.gradients)), *(["by_x"] if function.by_x else [])]
    at_x = {"score", "hessian_diagonal", "by_x"}
    if not parts.shaped or not at_x & set(names):
        body.append(f"return {call}")
    elif len(names) == 1:
        body.append(f"return {call}{parts.shaped}")
    else:
        body.append(f"{', '.join(names)} = {call}")
        body.append("return " + ", ".join(name + parts.shaped * (name in at_x) for name in names))
    return ApiFunction(
        name=public.name,
        arguments=_signature(positional, keywords),
        doc=_doc(*_sentences(info, public.name)),
        body=tuple(body),
    )


def _sentences(info: BuildInfo, name: str) -> tuple[str, ...]:
    """The docstring of a derivative."""
    units, phrase = info.units, info.hessian_phrase
    weights = "`weights` are numbers of either sign, one a sample, by default 1."
    return {
        "energy": (
            "E(x) of each sample, (N,). Raises ValueError for unusable arguments, as every function here does.",
        ),
        "score": (f"The score −∂E/∂x, (N, {units}); nothing else is computed.",),
        "hessian_diagonal": (f"∂²E/∂x_d² {phrase}, (N, {units}).",),
        "energy_and_score": (f"E(x), (N,), and the score −∂E/∂x, (N, {units}).",),
        "laplacian": (f"Δ = Σ_d ∂²E/∂x_d² {phrase}, (N,). That of log p is −Δ.",),
        "score_and_laplacian": (f"The score −∂E/∂x, (N, {units}), and Δ = Σ_d ∂²E/∂x_d² {phrase}, (N,).",),
        "hvp": (f"H v, (N, {units}): the Hessian ∂²E/∂x∂x of each sample times a vector of its own.",),
        "hessian": (f"H = ∂²E/∂x∂x of each sample, (N, {units}, {units}), exact in every module.",),
        "score_vjp": (
            "The derivatives of S = Σ_n v_nᵀ score(x_n): by the parameters, a dict like `params`, and by x.",
            "They are the gradient of any loss on the score whose derivative by the score is `v`.",
        ),
        "energy_and_grad": ("Σ_n w_n E(x_n) and its gradient, a dict of arrays like `params`.", weights),
        "laplacian_and_grad": (
            f"Σ_n w_n Δ_n with Δ = Σ_d ∂²E/∂x_d² {phrase}, and its gradient, a dict of arrays like `params`.",
            weights,
        ),
    }[name]


def _of_objective(info: BuildInfo, losses: PublicLosses) -> Iterator[ApiFunction]:
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
        self.info, self.objective, self.parts = info, objective, _Parts(info)
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
        lines = ["rng, sigma = _noise_levels(x, sigma, rng)"] if self.noisy else []
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

    def plain(self, kind: str, workspace: str = "_own_workspace()") -> str:
        """The call of the internal function for plain arguments."""
        by_lam = self.steps[kind].by_lam
        name = f"_{by_lam['zero' if self.zero_alone else 'any'].name}"
        if len(by_lam) > 1 and not self.zero_alone:
            name = f"({name} if lam else _{by_lam['zero'].name})"
        return self._call(name, weighed=bool(self.objective.given), workspace=workspace)

    def general(self, kind: str, workspace: str = "_own_workspace()") -> str:
        """The call of the internal function with weights of entries."""
        function = self.steps[kind].general["zero" if self.zero_alone else "any"]
        return self._call(f"_{function.name}", weighed=True, workspace=workspace)

    def _call(self, name: str, *, weighed: bool, workspace: str) -> str:
        names = [*(g.name for g in self.objective.given), *["weights"] * weighed, *["probes"] * self.probed]
        lam = "lam" if self.objective.takes_lam else "0.0"
        return f"{name}(params, rows, {listed(names)}{lam}, {workspace})"

    def masked(self, weights: str) -> list[str]:
        """The lines that make weights of entries."""
        lines = ["noise = _kept(noise, mask, rows)"] if self.noisy else []
        return [*lines, f"weights = _entry_weights({weights}, mask, rows{self.levels})"]

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
        body += [*self.masked("None"), f"return _weighted_means(shares, {self.general('each')})"]
        arguments = f"{self.passed_on}, weights, mask"
        return ApiFunction(name=f"_{self.prefix}means", arguments=arguments, doc=(), body=tuple(body))

    def _delegated(self, name: str, doc: tuple[str, ...], pick: str) -> ApiFunction:
        keywords = [*self.keywords, "weights=None", "mask=None"]
        call = f"_{self.prefix}means({self.passed_on}, weights, mask)"
        if self.objective.has_terms:
            call += pick
        return ApiFunction(
            name=name, arguments=_signature(self.positional, keywords), doc=doc, body=(f"return {call}",)
        )

    def loss(self) -> ApiFunction:
        letters = " + ".join(self.objective.letters)
        start = f"J = {letters}, the" if self.objective.has_terms else "J, the"
        where = f" with {self.objective.where}" if self.objective.where else ""
        weight = "w(σ) " if self.noisy else ""
        text = f"{start} mean over the batch of {weight}{self.objective.sum_of_equations}{where}."
        return self._delegated(f"{self.prefix}loss", _doc(text, *self._explained()), "[-1]")

    def terms(self) -> ApiFunction:
        letters = self.objective.letters
        text = " and ".join(f"{letter} = {self.objective.equation(letter)}" for letter in letters)
        return self._delegated(f"{self.prefix}loss_terms", _doc(f"{text}, means over the batch."), "[:-1]")

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
            arguments=_signature(self.positional, [*self.keywords, "mask=None"]),
            doc=_doc("J of each sample, (N,): their mean is the loss."),
            body=tuple(body),
        )

    def step(self, kind: str) -> ApiFunction:
        """A loss and its gradient, or the terms and the gradient of each."""
        merged = kind == "step"
        extra = ["weights=None", "mask=None", *["wrt_x=False"] * merged, "workspace=None"]
        body = [*self.prepared(), WORKSPACE]
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
            arguments=_signature(self.positional, [*self.keywords, *extra]),
            doc=_doc(text),
            body=tuple(body),
        )


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
