"""Energies, scores, Hessians and their products, and gradients of sums of them, as users call them."""

from __future__ import annotations

from smgen.ir import PublicFunction
from smgen.targets.api.parts import OWN_WORKSPACE, WORKSPACE, ApiFunction, Parts, docstring, signature
from smgen.targets.build_info import BuildInfo


def derivative(info: BuildInfo, public: PublicFunction) -> ApiFunction:
    """A function that runs one function."""
    parts, function = Parts(info), public.only
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
    workspace = "workspace" if function.gradients else OWN_WORKSPACE
    body += [WORKSPACE] if function.gradients else []
    call = f"_{function.name}({parts.passed(function, workspace)})"
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
        arguments=signature(positional, keywords),
        doc=docstring(*_sentences(info, public.name)),
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
