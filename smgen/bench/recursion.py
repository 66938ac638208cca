"""The forward pass and the δ/δ′ recursion of a network, as lines of a program: g_name, d_name, p_name of each vertex.

Linear algebra is spelled alike in JAX, PyTorch and NumPy. The slopes f1_name, f2_name of a pointwise vertex are there
before the recursion starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale


def forward(network: Network, concatenate: str, pointwise: Callable[[Vertex], str]) -> Iterator[str]:
    """Values g of every vertex, (N, units); `pointwise` writes the line of a nonlinearity."""
    for v in network.vertices:
        match v.op:
            case Input():
                pass
            case Linear(weights=group, bias=bias):
                offset = f' + params["{group}.bias"]' if bias else ""
                yield f'g_{v.name} = g_{v.inputs[0]} @ params["{group}.weight"].T{offset}'
            case Pointwise():
                yield pointwise(v)
            case Add():
                yield f"g_{v.name} = {' + '.join(f'{n} * g_{s}' for s, n in v.terms)}"
            case Concat():
                yield f"g_{v.name} = {concatenate}([{', '.join(f'g_{s}' for s in v.inputs)}], 1)"
            case Scale():
                yield f'g_{v.name} = g_{v.inputs[0]} * params["{v.name}.gain"]'


def recursion(network: Network, library: str) -> Iterator[str]:
    """δ, equation (1), and δ′, §1.3, of every vertex from the energy to the input."""
    starts = dict(network.energies)
    for v in reversed(network.vertices):
        delta, prime = [], []
        if v.name in starts:
            delta.append(f"{starts[v.name]} * {library}.ones_like(g_{v.name})")
            prime.append(f"{library}.zeros_like(g_{v.name})")
        for k in network.children(v.name):
            d, p = _back(network, v, k)
            delta.append(d)
            prime.append(p)
        yield f"d_{v.name} = {' + '.join(delta)}"
        yield f"p_{v.name} = {' + '.join(prime)}"


def _back(network: Network, v: Vertex, k: Vertex) -> tuple[str, str]:
    """What the child k adds to δ and δ′ of v."""
    match k.op:
        case Linear(weights=group):
            w = f'params["{group}.weight"]'
            return f"d_{k.name} @ {w}", f"p_{k.name} @ ({w} * {w})"
        case Pointwise():
            return f"d_{k.name} * f1_{k.name}", f"d_{k.name} * f2_{k.name} + p_{k.name} * f1_{k.name} ** 2"
        case Add():
            n = dict(k.terms)[v.name]
            return f"{n} * d_{k.name}", f"{n * n} * p_{k.name}"
        case Scale():
            gain = f'params["{k.name}.gain"]'
            return f"d_{k.name} * {gain}", f"p_{k.name} * {gain} ** 2"
        case Concat():
            slices = list(_slices(network, v, k))
            return " + ".join(f"d_{k.name}{s}" for s in slices), " + ".join(f"p_{k.name}{s}" for s in slices)
    raise TypeError(k.op)


def _slices(network: Network, v: Vertex, k: Vertex) -> Iterator[str]:
    """Where the units of v stand in the concatenation k."""
    start = 0
    for name in k.inputs:
        width = network[name].units
        if name == v.name:
            yield f"[:, {start}:{start + width}]"
        start += width


def loss(network: Network, library: str, concatenate: str, pointwise: Callable[[Vertex], str]) -> str:
    """`loss(params, g_x, lam)`: J = mean of Σ_d (½ δ² − δ′ + λ δ′²)."""
    x = network.input.name
    total = f"return (0.5 * d_{x} ** 2 - p_{x} + lam * p_{x} ** 2).sum(1).mean()"
    lines = [*forward(network, concatenate, pointwise), *recursion(network, library), total]
    body = "\n    ".join(lines)
    return f"\n\ndef loss(params, g_{x}, lam):\n    {body}\n"
