"""The exact loss as people write it with autodiff, against smgen's modules: python -m benchmarks.exact_trace

J = mean of Σ_d (½ (∂E/∂x_d)² − ∂²E/∂x_d² + λ (∂²E/∂x_d²)²) and its gradient, on network A, where the diagonal recursion
of smgen's modules gives the same number. The others know nothing of the network's structure: jax.jit of
vmap(jvp(grad)), folx's forward Laplacian (which has the sum over d alone: λ = 0), torch.func.hessian, and PyTorch's
loop of double backward passes. One step of theirs takes seconds, so a turn is a step. Results are compared before
anything is timed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.networks import NETWORKS
from smgen.analysis.exactness import verdict
from smgen.bench.contenders import OURS, available, texts
from smgen.bench.functions import JAX, TORCH, nonlinearities
from smgen.bench.recursion import forward
from smgen.bench.report import markdown, summary_table, title
from smgen.bench.results import Outcome, Results, as_json, machine
from smgen.bench.rounds import Case, data_of, measure_programs, ratio
from smgen.errors import SmgenError
from smgen.network import Network, Vertex

console = Console(width=120, highlight=False)

_JAX_STEP: Final = """
def loss(params, x, lam):
    return jax.vmap(lambda x: of_sample(params, x, lam))(x).mean()


def make(params, x, lam):
    params, x = jax.tree.map(jnp.asarray, params), jnp.asarray(x)
    compiled = jax.jit(jax.value_and_grad(lambda params, x: loss(params, x, lam)))
    return lambda: compiled(params, x)


def wait(result):
    return jax.block_until_ready(result)
"""

_VMAP_JVP_GRAD: Final = """

def of_sample(params, x, lam):
    slope = jax.grad(energy, argnums=1)

    def curvature(direction):
        return direction @ jax.jvp(lambda x: slope(params, x), (x,), (direction,))[1]

    d, p = slope(params, x), jax.vmap(curvature)(jnp.eye(len(x), dtype=x.dtype))
    return (0.5 * d**2 - p + lam * p**2).sum()

"""

_FOLX: Final = """
import folx


def of_sample(params, x, lam):
    found = folx.forward_laplacian(lambda x: energy(params, x))(x)
    return 0.5 * (found.jacobian.dense_array**2).sum() - found.laplacian

"""

_TORCH_STEP: Final = """

def make(params, x, lam):
    params = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    x = torch.tensor(x, requires_grad=True)

    def step():
        J = loss(params, x, lam)
        return J.detach(), dict(zip(params, torch.autograd.grad(J, list(params.values()), materialize_grads=True)))

    return step


def wait(result):
    return result
"""

_HESSIAN: Final = """

def loss(params, x, lam):
    d = torch.func.vmap(torch.func.grad(energy, argnums=1), (None, 0))(params, x)
    hessian = torch.func.vmap(torch.func.hessian(energy, argnums=1), (None, 0))(params, x)
    p = hessian.diagonal(dim1=1, dim2=2)
    return (0.5 * d**2 - p + lam * p**2).sum(1).mean()
"""

_DOUBLE_BACKWARD: Final = """

def loss(params, x, lam):
    d = torch.autograd.grad(energy(params, x), x, create_graph=True)[0]
    columns = range(x.shape[1])
    p = torch.stack([torch.autograd.grad(d[:, i].sum(), x, create_graph=True)[0][:, i] for i in columns], 1)
    return (0.5 * d**2 - p + lam * p**2).sum(1).mean()
"""


def energy_text(network: Network) -> str:
    """`energy(params, g_x)`: the sum over the units, of one sample or of all."""

    def pointwise(v: Vertex) -> str:
        return f"g_{v.name} = f_{v.name}(g_{v.inputs[0]})"

    functions = nonlinearities(network, 0)
    total = " + ".join(f"{count} * g_{name}.sum()" for name, count in network.energies)
    body = "\n    ".join([*forward(network, "concatenate", pointwise), f"return {total}"])
    return f"{functions}\n\ndef energy(params, g_{network.input.name}):\n    {body}\n"


def programs(network: Network, lam: float) -> dict[str, str]:
    """The peers' programs by what they are called; folx's only at λ = 0."""
    energy = energy_text(network)
    found = {"jax.jit vmap(jvp(grad))": JAX + energy + _VMAP_JVP_GRAD + _JAX_STEP}
    if lam == 0:
        found["folx forward Laplacian"] = JAX + energy + _FOLX + _JAX_STEP
    found["torch.func.hessian"] = TORCH + energy + _HESSIAN + _TORCH_STEP
    found["PyTorch double backward"] = TORCH + energy + _DOUBLE_BACKWARD + _TORCH_STEP
    return found


def installed(found: dict[str, str]) -> dict[str, str]:
    """The programs whose library is there; the others are named."""
    kept = {}
    for name, text in found.items():
        library = "folx" if name.startswith("folx") else "jax" if name.startswith("jax") else "torch"
        if find_spec(library):
            kept[name] = text
        else:
            console.print(f"{name} is left out: {library} is not installed (pip install 'smgen[bench]')")
    return kept


def measured(network: Network, case: Case, rounds: int, seconds: float) -> Results:
    """All contenders in alternating rounds."""
    ours = available(OURS, console.print)
    theirs = {name: {".py": text} for name, text in installed(programs(network, case.lam)).items()}
    everyone = {name: texts(name, network, case.name, case.dtype, case.samples) for name in ours} | theirs
    with tempfile.TemporaryDirectory(prefix="smgen-bench-") as cache:
        data = data_of(network, case)
        found = measure_programs(everyone, data, case, rounds=rounds, seconds=seconds, cache=Path(cache))
    return Results(
        [Outcome(case=case, measured=found.measured, executed={}, least=0, others=found.others)], machine=machine()
    )


def rows(results: Results) -> list[tuple[str, ...]]:
    """Who, how long, how many times smgen's modules that is, and the peak memory."""
    outcome = results.outcomes[0]
    ours = [m for m in outcome.measured if m.contender in OURS]
    head = ("value and gradient of the exact loss", "seconds a step", *(f"× {title(m.contender)}" for m in ours), "MB")
    body = (
        (
            title(m.contender),
            f"{m.seconds:.3g}",
            *(f"{ratio(m, one):.{0 if ratio(m, one) > 10 else 2}f}" for one in ours),
            f"{m.peak_memory / 1e6:.0f}",
        )
        for m in outcome.measured
    )
    return [head, *body]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="A", choices=NETWORKS, help="a network whose recursion is exact")
    parser.add_argument("--samples", type=int, default=1024)
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    parser.add_argument("--lam", type=float, default=0.0, help="folx is left out unless it is 0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.15, help="of a turn; a step at least is taken")
    parser.add_argument("--quick", action="store_true", help="32 samples, two short rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round here")
    parser.add_argument("--markdown", action="store_true", help="print the table as the README has it")
    options = parser.parse_args()
    if options.quick:
        options.samples, options.rounds, options.seconds = 32, 2, 0.02
    network = NETWORKS[options.network]()
    if not verdict(network).exact:
        raise SystemExit(f"network {options.network}: the diagonal recursion is {verdict(network)}")
    try:
        case = Case(options.network, options.samples, options.dtype, options.lam)
        results = measured(network, case, options.rounds, options.seconds)
    except SmgenError as error:
        raise SystemExit(f"error: {error}") from None
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_json(results), indent=1), encoding="utf-8")
    table: Table = summary_table(rows(results), title=str(case))
    print(markdown(rows(results))) if options.markdown else console.print(table)


if __name__ == "__main__":
    main()
