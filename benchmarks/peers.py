"""The same loss as people write it with autodiff: value and gradient of the δ/δ′ recursion, in JAX and in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

NONLINEARITY: Final = {"A": "logcosh", "B": "softplus", "C": "tanh", "D": "silu"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A step to time, how to wait for it, and its loss to compare."""

    step: Callable[[], Any]
    synchronise: Callable[[], Any]
    loss: Callable[[], float]


def _weights(host: dict[str, Any]) -> list[tuple[Any, Any]]:
    layers = [key.removesuffix(".weight") for key in host if key.endswith(".weight")]
    return [(host[f"{layer}.weight"], host[f"{layer}.bias"]) for layer in layers]


def jax_peer(name: str, host: dict[str, Any], x: Any, lam: float) -> Peer | None:
    """jax.jit of value_and_grad; f′ and f″ by jax.grad of f, as one writes it. None without JAX on a GPU."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    if jax.default_backend() != "gpu" or x.dtype == np.float64:
        return None
    functions: dict[str, Callable[[Any], Any]] = {
        "logcosh": lambda g: jnp.abs(g) + jnp.log1p(jnp.exp(-2 * jnp.abs(g))) - jnp.log(2.0),
        "softplus": jax.nn.softplus,
        "tanh": jnp.tanh,
        "silu": jax.nn.silu,
    }
    f = functions[NONLINEARITY[name]]
    slope = jax.vmap(jax.vmap(jax.grad(f)))
    bend = jax.vmap(jax.vmap(jax.grad(jax.grad(f))))

    def loss(weights: Any, data: Any) -> Any:
        values = []
        h = data
        for w, b in weights:
            values.append(h @ w.T + b)
            h = f(values[-1])
        delta, prime = jnp.ones_like(h), jnp.zeros_like(h)
        for (w, _), g in zip(reversed(weights), reversed(values), strict=True):
            f1 = slope(g)
            delta, prime = delta * f1, delta * bend(g) + prime * f1**2
            delta, prime = delta @ w, prime @ (w * w)
        return jnp.mean(jnp.sum(0.5 * delta**2 - prime + lam * prime**2, axis=1))

    step = jax.jit(jax.value_and_grad(loss))
    weights, data = [(jnp.asarray(w), jnp.asarray(b)) for w, b in _weights(host)], jnp.asarray(x)
    return Peer(
        lambda: step(weights, data),
        lambda: jax.block_until_ready(step(weights, data)),
        lambda: float(step(weights, data)[0]),
    )


def torch_peer(name: str, host: dict[str, Any], x: Any, lam: float) -> Peer | None:
    """PyTorch eager with its autograd; f′ and f″ written out. None without PyTorch on a GPU."""
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None

    def logistic(g: Any) -> tuple[Any, Any, Any]:
        s = torch.sigmoid(g)
        return torch.nn.functional.softplus(g), s, s * (1 - s)

    def silu(g: Any) -> tuple[Any, Any, Any]:
        s = torch.sigmoid(g)
        bend = s * (1 - s)
        return g * s, s + g * bend, bend * (2 + g * (1 - 2 * s))

    def tanh(g: Any) -> tuple[Any, Any, Any]:
        t = torch.tanh(g)
        return t, 1 - t * t, -2 * t * (1 - t * t)

    def logcosh(g: Any) -> tuple[Any, Any, Any]:
        t = torch.tanh(g)
        return g.abs() + torch.log1p(torch.exp(-2 * g.abs())), t, 1 - t * t

    f = {"logcosh": logcosh, "softplus": logistic, "tanh": tanh, "silu": silu}[NONLINEARITY[name]]
    weights = [tuple(torch.tensor(v, device="cuda", requires_grad=True) for v in pair) for pair in _weights(host)]
    data = torch.tensor(x, device="cuda")

    def step() -> Any:
        values = []
        h = data
        for w, b in weights:
            h, f1, f2 = f(h @ w.T + b)
            values.append((f1, f2))
        delta, prime = torch.ones_like(h), torch.zeros_like(h)
        for (w, _), (f1, f2) in zip(reversed(weights), reversed(values), strict=True):
            delta, prime = delta * f1, delta * f2 + prime * f1**2
            delta, prime = delta @ w, prime @ (w * w)
        loss = (0.5 * delta**2 - prime + lam * prime**2).sum(1).mean()
        torch.autograd.grad(loss, [v for pair in weights for v in pair])
        return loss

    return Peer(step, torch.cuda.synchronize, lambda: float(step()))


PEERS: Final[dict[str, Callable[[str, dict[str, Any], Any, float], Peer | None]]] = {
    "jax.jit": jax_peer,
    "PyTorch": torch_peer,
}
