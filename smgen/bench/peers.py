"""The same step as people write it without smgen, as the source of a program for each library.

Each program has `make(params, x, lam)`, which returns a function that takes a step and waits for its result, J and the
gradient. JAX is given jax.jit of value_and_grad of the δ/δ′ recursion, PyTorch the same loss under autograd, NumPy the
equations of the paper literally, with the sweeps of K and of L apart. JAX's λ is an argument of the compiled step, or a
constant if it is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from smgen.bench.preludes import JAX, NUMPY, TORCH
from smgen.derivatives import differentiate
from smgen.errors import BuildError
from smgen.network import Network, Vertex
from smgen.nodes import Add, Concat, Input, Linear, Pointwise, Scale


def peer(library: str, network: Network) -> str:
    """The program of one contender. Raises `BuildError` for what it cannot express."""
    return _PROGRAMS[library](network)


def _functions(network: Network, orders: int) -> Iterator[str]:
    """F and its first derivatives of every nonlinearity, as functions called f0_name, f1_name, …"""
    for v in network.vertices:
        if isinstance(v.op, Pointwise):
            for order, expr in enumerate(differentiate(v.op.expr).derivatives[: orders + 1]):
                constant = "" if expr.free_symbols else " + 0 * g"
                yield f"\n\ndef f{order}_{v.name}(g):\n    return {expr}{constant}"


def _forward(network: Network, concatenate: str) -> Iterator[str]:
    for v in network.vertices:
        match v.op:
            case Linear(weights=group, bias=bias):
                offset = f' + params["{group}.bias"]' if bias else ""
                yield f'g_{v.name} = g_{v.inputs[0]} @ params["{group}.weight"].T{offset}'
            case Pointwise():
                yield f"g_{v.name} = f0_{v.name}(g_{v.inputs[0]})"
            case Add():
                yield f"g_{v.name} = {' + '.join(f'{n} * g_{s}' for s, n in v.terms)}"
            case Concat():
                yield f"g_{v.name} = {concatenate}([{', '.join(f'g_{s}' for s in v.inputs)}], 1)"
            case Scale():
                yield f'g_{v.name} = g_{v.inputs[0]} * params["{v.name}.gain"]'


def _recursion(network: Network, ones: str, zeros: str) -> Iterator[str]:
    """δ and δ′ from the energy to the input; d_name and p_name."""
    starts = dict(network.energies)
    for v in reversed(network.vertices):
        delta = [f"{starts[v.name]} * {ones}(g_{v.name})"] if v.name in starts else []
        prime = [f"{zeros}(g_{v.name})"] if v.name in starts else []
        for k in network.children(v.name):
            d, p = _back(network, v, k)
            delta.append(d)
            prime.append(p)
        yield f"d_{v.name} = {' + '.join(delta)}"
        yield f"p_{v.name} = {' + '.join(prime)}"


def _back(network: Network, v: Vertex, k: Vertex) -> tuple[str, str]:
    match k.op:
        case Linear(weights=group):
            w = f'params["{group}.weight"]'
            return f"d_{k.name} @ {w}", f"p_{k.name} @ ({w} * {w})"
        case Pointwise():
            f1, f2 = f"f1_{k.name}(g_{v.name})", f"f2_{k.name}(g_{v.name})"
            return f"d_{k.name} * {f1}", f"d_{k.name} * {f2} + p_{k.name} * {f1} ** 2"
        case Add():
            n = dict(k.terms)[v.name]
            return f"{n} * d_{k.name}", f"{n * n} * p_{k.name}"
        case Scale():
            s = f'params["{k.name}.gain"]'
            return f"d_{k.name} * {s}", f"p_{k.name} * {s} ** 2"
        case Concat():
            start = 0
            parts = []
            for name in k.inputs:
                width = network[name].units
                if name == v.name:
                    parts.append(f"[:, {start}:{start + width}]")
                start += width
            return " + ".join(f"d_{k.name}{p}" for p in parts), " + ".join(f"p_{k.name}{p}" for p in parts)
    raise TypeError(k.op)


def _loss(network: Network, library: str, concatenate: str) -> str:
    body = [*_forward(network, concatenate), *_recursion(network, f"{library}.ones_like", f"{library}.zeros_like")]
    x = network.input.name
    body.append(f"return (0.5 * d_{x} ** 2 - p_{x} + lam * p_{x} ** 2).sum(1).mean()")
    lines = "\n    ".join(body)
    return f"\n\ndef loss(params, g_{x}, lam):\n    {lines}\n"


def _jax(network: Network) -> str:
    derivatives = "".join(
        f"\n\n\nf1_{v.name} = jax.vmap(jax.vmap(jax.grad(f0_{v.name})))"
        f"\nf2_{v.name} = jax.vmap(jax.vmap(jax.grad(jax.grad(f0_{v.name}))))"
        for v in network.vertices
        if isinstance(v.op, Pointwise)
    )
    return (
        JAX
        + "".join(_functions(network, 0))
        + derivatives
        + "\n"
        + _loss(network, "jnp", "jnp.concatenate")
        + """

def make(params, x, lam):
    params = {key: jnp.asarray(value) for key, value in params.items()}
    x = jnp.asarray(x)
    if lam:
        compiled, lam = jax.jit(jax.value_and_grad(loss)), x.dtype.type(lam)
        return lambda: jax.block_until_ready(compiled(params, x, lam))
    compiled = jax.jit(jax.value_and_grad(lambda params, x: loss(params, x, 0.0)))
    return lambda: jax.block_until_ready(compiled(params, x))
"""
    )


def _torch(network: Network, step: str = "loss") -> str:
    return (
        TORCH
        + "".join(_functions(network, 2))
        + "\n"
        + _loss(network, "torch", "torch.cat")
        + f"""

def make(params, x, lam):
    params = {{key: torch.tensor(value, requires_grad=True) for key, value in params.items()}}
    x = torch.tensor(x)
    function = {step}

    def step():
        J = function(params, x, lam)
        gradient = torch.autograd.grad(J, list(params.values()), allow_unused=True)
        return J.item(), {{key: g.numpy() for key, g in zip(params, gradient) if g is not None}}

    return step
"""
    )


def _torch_compiled(network: Network) -> str:
    return _torch(network, "torch.compile(loss)")


def _numpy(network: Network) -> str:
    """The sweeps of K and of L apart, as the paper has them, for chains of layers."""
    chain = [v for v in network.vertices if not isinstance(v.op, Input)]
    straight = [v.inputs for v in chain] == [(u.name,) for u in network.vertices[:-1]]
    if not straight or any(not isinstance(v.op, Linear | Pointwise) for v in chain):
        raise BuildError(what="the literal NumPy program is for chains of linear and pointwise layers")
    lines = [*_forward(network, "np.concatenate"), *_recursion(network, "np.ones_like", "np.zeros_like")]
    x = network.input.name
    lines += [f"K = (0.5 * d_{x} ** 2).sum(1).mean()", f"L = (-p_{x} + lam * p_{x} ** 2).sum(1).mean()"]
    for of, mu, nu in (("K", f"d_{x}", ""), ("L", f"np.zeros_like(d_{x})", f"2 * lam * p_{x} - 1")):
        lines += _literal_sweeps(network, chain, of, mu, nu)
    total = "{key: (dK[key] + dL[key]) / len(g_" + x + ") for key in params}"
    body = "\n        ".join(["dK, dL = {}, {}", *lines, f"return K + L, {total}"])
    return (
        NUMPY
        + "".join(_functions(network, 3))
        + f"\n\n\ndef make(params, g_{x}, lam):\n    def step():\n        {body}\n\n    return step\n"
    )


def _literal_sweeps(network: Network, chain: list[Vertex], of: str, mu: str, nu: str) -> Iterator[str]:
    """∂K/∂δ forwards and ∂K/∂g backwards, or ∂L/∂δ and ∂L/∂δ′ forwards and ∂L/∂g backwards."""
    x = network.input.name
    yield f"m_{x} = {mu}"
    if nu:
        yield f"n_{x} = {nu}"
    for v in chain:
        i, j = v.inputs[0], v.name
        if isinstance(v.op, Linear):
            w = f'params["{v.op.weights}.weight"]'
            yield f"m_{j} = m_{i} @ {w}.T"
            if nu:
                yield f"n_{j} = n_{i} @ ({w} * {w}).T"
        else:
            bend = f"n_{i} * f2_{j}(g_{i}) + " if nu else ""
            yield f"m_{j} = {bend}m_{i} * f1_{j}(g_{i})"
            if nu:
                yield f"n_{j} = n_{i} * f1_{j}(g_{i}) ** 2"
    yield f"c_{chain[-1].name} = np.zeros_like(g_{chain[-1].name})"
    for v in reversed(chain):
        i, j = v.inputs[0], v.name
        if isinstance(v.op, Linear):
            w, group = f'params["{v.op.weights}.weight"]', v.op.weights
            curved = f" + 2 * {w} * (p_{j}.T @ n_{i})" if nu else ""
            earlier = f'd{of}.get("{group}.weight", 0)'
            yield f'd{of}["{group}.weight"] = d_{j}.T @ m_{i}{curved} + c_{j}.T @ g_{i} + {earlier}'
            if v.op.bias:
                yield f'd{of}["{group}.bias"] = c_{j}.sum(0) + d{of}.get("{group}.bias", 0)'
            yield f"c_{i} = c_{j} @ {w}"
        else:
            f1, f2, f3 = (f"f{order}_{j}(g_{i})" for order in (1, 2, 3))
            more = f" + 2 * n_{i} * p_{j} * {f1} * {f2} + n_{i} * d_{j} * {f3}" if nu else ""
            yield f"c_{i} = c_{j} * {f1} + m_{i} * d_{j} * {f2}{more}"


_PROGRAMS: Final[Mapping[str, Callable[[Network], str]]] = {
    "jax": _jax,
    "torch": _torch,
    "torch.compile": _torch_compiled,
    "literal": _numpy,
}
PEERS: Final = tuple(_PROGRAMS)
