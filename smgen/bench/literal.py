"""The equations of the paper as one writes them down in NumPy: the sweeps of K and of L apart, for chains of layers."""

from __future__ import annotations

from collections.abc import Iterator

from smgen.bench.functions import NUMPY, nonlinearities
from smgen.bench.recursion import forward, recursion
from smgen.errors import BuildError
from smgen.network import Network, Vertex


def literal(network: Network) -> str:
    """The program. Raises `BuildError` for networks that are no chain of linear and pointwise layers."""
    chain = list(network.vertices[1:])
    straight = [v.inputs for v in chain] == [(u.name,) for u in network.vertices[:-1]]
    parameters = all(not c.operands for c in network.constants)
    if not straight or not parameters or any(v.layer.equations == "general" for v in chain):
        raise BuildError(what="the literal NumPy program is for chains of linear and pointwise layers")
    x = network.input.name
    lines = [
        "dK, dL = {}, {}",
        *forward(network, "np.concatenate", _pointwise),
        *recursion(network, "np"),
        f"K = (0.5 * d_{x} ** 2).sum(1).mean()",
        f"L = (-p_{x} + lam * p_{x} ** 2).sum(1).mean()",
        f"m_{x} = d_{x}",
        *_sweeps(chain, "K", curved=False),
        f"m_{x}, n_{x} = np.zeros_like(d_{x}), 2 * lam * p_{x} - 1",
        *_sweeps(chain, "L", curved=True),
        f"return K + L, {{key: (dK[key] + dL[key]) / len(g_{x}) for key in params}}",
    ]
    functions = nonlinearities(network, 3)
    body = "\n        ".join(lines)
    return (
        f"{NUMPY}{functions}\n\ndef make(params, g_{x}, lam):\n    def step():\n        {body}\n\n    return step\n"
        "\n\ndef wait(result):\n    return result\n"
    )


def _pointwise(v: Vertex) -> str:
    return f"g_{v.name}, f1_{v.name}, f2_{v.name}, f3_{v.name} = f_{v.name}(g_{v.inputs[0]})"


def _sweeps(chain: list[Vertex], letter: str, *, curved: bool) -> Iterator[str]:
    """∂K/∂δ, m, forwards and ∂K/∂g, c, backwards; for L, which is `curved`, ∂L/∂δ′, n, besides."""
    for v in chain:
        i, j = v.inputs[0], v.name
        if v.layer.equations == "linear":
            w = f'params["{v.operands[1]}"]'
            yield f"m_{j} = m_{i} @ {w}.T"
            if curved:
                yield f"n_{j} = n_{i} @ ({w} * {w}).T"
        elif curved:
            yield f"m_{j} = m_{i} * f1_{j} + n_{i} * f2_{j}"
            yield f"n_{j} = n_{i} * f1_{j} ** 2"
        else:
            yield f"m_{j} = m_{i} * f1_{j}"
    yield f"c_{chain[-1].name} = np.zeros_like(g_{chain[-1].name})"
    for v in reversed(chain):
        i, j = v.inputs[0], v.name
        if v.layer.equations == "linear":
            _, weight, *biases = v.operands
            nu_terms = f' + 2 * params["{weight}"] * (p_{j}.T @ n_{i})' if curved else ""
            yield f'd{letter}["{weight}"] = d_{j}.T @ m_{i} + c_{j}.T @ g_{i}{nu_terms} + d{letter}.get("{weight}", 0)'
            for bias in biases:
                yield f'd{letter}["{bias}"] = c_{j}.sum(0) + d{letter}.get("{bias}", 0)'
            yield f'c_{i} = c_{j} @ params["{weight}"]'
        else:
            nu_terms = f" + 2 * n_{i} * p_{j} * f1_{j} * f2_{j} + n_{i} * d_{j} * f3_{j}" if curved else ""
            yield f"c_{i} = c_{j} * f1_{j} + m_{i} * d_{j} * f2_{j}{nu_terms}"
