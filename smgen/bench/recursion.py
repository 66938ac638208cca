"""The forward pass and the δ/δ′ recursion of a network, as lines of a program: g_name, d_name, p_name of each vertex.

Linear algebra is spelled alike in JAX, PyTorch and NumPy. The slopes f1_name, f2_name of a pointwise vertex are there
before the recursion starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smgen.network import Network, Vertex


def forward(network: Network, concatenate: str, pointwise: Callable[[Vertex], str]) -> Iterator[str]:
    """Values g of every vertex, (N, units); `pointwise` writes the line of a nonlinearity."""
    names = names_of(network)
    for v in network.all_vertices:
        if v.inputs and v.layer.nonlinearity is not None:
            yield pointwise(v)
        elif v.operands:
            yield f"g_{v.name} = {v.layer.spelled(v, names, concatenate)}"


def names_of(network: Network) -> dict[str, str]:
    """How the program writes each vertex."""
    names = {v.name: f"g_{v.name}" for v in network.all_vertices}
    return names | {key: f'params["{key}"]' for key in network.parameters}


def recursion(network: Network, library: str) -> Iterator[str]:
    """δ, equation (1), and δ′, §1.3, of every vertex from the energy to the input."""
    starts, names = dict(network.energies), names_of(network)
    for v in reversed(network.vertices):
        delta, prime = [], []
        if v.name in starts:
            delta.append(f"{starts[v.name]} * {library}.ones_like(g_{v.name})")
            prime.append(f"{library}.zeros_like(g_{v.name})")
        for k in network.children(v.name):
            delta.append(k.layer.spelled_back(k, v.name, f"d_{k.name}", names, squared=False))
            if (f_second := k.layer.spelled_f_second(k, v.name, names)) is not None:
                prime.append(f"d_{k.name} * {f_second}")
            prime.append(k.layer.spelled_back(k, v.name, f"p_{k.name}", names, squared=True))
        yield f"d_{v.name} = {' + '.join(delta)}"
        yield f"p_{v.name} = {' + '.join(prime)}"


def loss(network: Network, library: str, concatenate: str, pointwise: Callable[[Vertex], str]) -> str:
    """`loss(params, g_x, lam)`: J = mean of Σ_d (½ δ² − δ′ + λ δ′²)."""
    x = network.input.name
    total = f"return (0.5 * d_{x} ** 2 - p_{x} + lam * p_{x} ** 2).sum(1).mean()"
    lines = [*forward(network, concatenate, pointwise), *recursion(network, library), total]
    body = "\n    ".join(lines)
    return f"\n\ndef loss(params, g_{x}, lam):\n    {body}\n"
