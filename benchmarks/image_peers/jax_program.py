"""Value and gradient of the loss of a stack of convolutions in JAX: jax.jit of value_and_grad.

`LOSS` says which. "diagonal": the δ/δ′ recursion. "hessian": the exact loss, the diagonal of the Hessian by jvp of grad
along a vector for each colour. "taylor": the exact loss at λ = 0, from the second derivatives of E along the same
vectors by Taylor coefficients. Pixels of one colour are `PERIOD` apart and so in no common receptive field: their
columns of the Hessian do not overlap.

`LAYOUT` says how arrays lie and how a convolution is written: "NCHW" and "NHWC" are XLA's, "taps" a sum of products
and "patches" one product, both in NHWC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

SHAPE: tuple[int, ...] = (1, 64, 64)
STRIDES: tuple[int, ...] = (1,)
PADDING = 0
FUNCTION = "logcosh"
PERIOD = 7
LAYOUT = "NHWC"
LOSS = "diagonal"
AT_ONCE = 27  # colours

Array = Any
Params = dict[str, Array]


def value(g: Array) -> Array:
    """f."""
    return jax.nn.softplus(g) if FUNCTION == "softplus" else jnp.logaddexp(g, -g) - jnp.log(2.0).astype(g.dtype)


def slopes(g: Array) -> tuple[Array, Array]:
    """f′ and f″."""
    if FUNCTION == "softplus":
        s = jax.nn.sigmoid(g)
        return s, s * (1 - s)
    t = jnp.tanh(g)
    return t, 1 - t * t


def convolved(h: Array, w: Array, stride: int) -> Array:
    """The convolution without its bias. `w` is (out, in, k, k)."""
    k, p = w.shape[-1], PADDING
    if LAYOUT == "NCHW":
        return lax.conv_general_dilated(h, w, (stride, stride), [(p, p), (p, p)])
    w = w.transpose(2, 3, 1, 0)
    if LAYOUT == "NHWC":
        lie = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(h, w, (stride, stride), [(p, p), (p, p)], dimension_numbers=lie)
    h = jnp.pad(h, ((0, 0), (p, p), (p, p), (0, 0)))
    rows, columns = (stride * ((size - k) // stride) + 1 for size in h.shape[1:3])
    taps = [h[:, i : i + rows : stride, j : j + columns : stride] for i in range(k) for j in range(k)]
    if LAYOUT == "patches":
        return jnp.concatenate(taps, -1) @ w.reshape(-1, w.shape[-1])
    return sum(jnp.einsum("nhwc,co->nhwo", tap, m) for tap, m in zip(taps, w.reshape(k * k, *w.shape[2:]), strict=True))


def layers(params: Params) -> list[tuple[Array, Array, int]]:
    """Weights, bias, stride of each layer."""
    weights = [v for v in params.values() if v.ndim == 4]
    biases: list[Array] = [v for v in params.values() if v.ndim == 1] or [jnp.zeros((), weights[0].dtype)] * len(
        STRIDES
    )
    if LAYOUT == "NCHW":
        biases = [b.reshape(-1, 1, 1) if b.ndim else b for b in biases]
    return list(zip(weights, biases, STRIDES, strict=True))


def recursion(params: Params, x: Array, lam: Any) -> Array:
    """J = mean of Σ_d (½ δ² − δ′ + λ δ′²), δ and δ′ by the recursion."""
    h, steps = x, []
    for w, b, stride in layers(params):
        shape = jax.ShapeDtypeStruct(h.shape, h.dtype)
        g = convolved(h, w, stride) + b
        f1, f2 = slopes(g)
        steps.append((w, stride, shape, f1, f2))
        h = value(g)
    d = p = None
    for w, stride, shape, f1, f2 in reversed(steps):
        d, p = (f1, f2) if d is None else (d * f1, d * f2 + p * f1 * f1)
        back = [jax.linear_transpose(lambda h, m=m, s=stride: convolved(h, m, s), shape) for m in (w, w * w)]
        (d,), (p,) = back[0](d), back[1](p)
    return total(d, p, lam) / len(x)


def total(d: Array, p: Array, lam: Any) -> Array:
    """The sum of the terms; λ is a number of Python only where it is 0."""
    J = 0.5 * jnp.sum(d * d) - jnp.sum(p)
    return J if isinstance(lam, float) else J + lam * jnp.sum(p * p)


def energy(params: Params, x: Array) -> Array:
    """E, summed over the samples."""
    for w, b, stride in layers(params):
        x = value(convolved(x, w, stride) + b)
    return jnp.sum(x)


def colours() -> Array:
    """1 at the pixels of a colour, (colours, 1, …)."""
    channels, height, width = SHAPE
    found = np.zeros((channels, PERIOD, PERIOD, *SHAPE), np.float32)
    for c in range(channels):
        for i in range(min(PERIOD, height)):
            for j in range(min(PERIOD, width)):
                found[c, i, j, c, i::PERIOD, j::PERIOD] = 1
    v = found.reshape(-1, *SHAPE)
    v = v[v.any((1, 2, 3))]
    return jnp.asarray(v if LAYOUT == "NCHW" else v.transpose(0, 2, 3, 1))[:, None]


def by_hessian(params: Params, x: Array, lam: Any) -> Array:
    """J with the Hessian's columns by jvp of grad."""
    d, product = jax.linearize(lambda x: jax.grad(energy, argnums=1)(params, x), x)

    def diagonal(v: Array) -> Array:
        v = jnp.broadcast_to(v, x.shape).astype(x.dtype)
        return v * product(v)

    p = lax.map(diagonal, colours(), batch_size=AT_ONCE).sum(0)
    return total(d, p, lam) / len(x)


def by_taylor(params: Params, x: Array, lam: float) -> Array:
    """J at λ = 0 with vᵀ H v = d²/dt² E(x + t v)."""
    h, steps = x, []
    for w, b, stride in layers(params):
        g = convolved(h, w, stride) + b
        steps.append((w, stride, *slopes(g)))
        h = value(g)

    def second(v: Array) -> Array:
        one, two = jnp.broadcast_to(v, x.shape).astype(x.dtype), None
        for w, stride, f1, f2 in steps:
            one = convolved(one, w, stride)
            bent = f2 * one * one
            two = bent if two is None else bent + f1 * convolved(two, w, stride)
            one = f1 * one
        return jnp.sum(two)

    d = jax.grad(energy, argnums=1)(params, x)
    return (0.5 * jnp.sum(d * d) - jnp.sum(lax.map(second, colours(), batch_size=AT_ONCE))) / len(x)


LOSSES: dict[str, Callable[[Params, Array, Any], Array]] = {
    "diagonal": recursion,
    "hessian": by_hessian,
    "taylor": by_taylor,
}


def make(params: Params, x: Array, lam: float) -> Callable[[], Any]:
    """A function that begins a step. λ is an argument of the compiled step, or the constant 0."""
    x = x.reshape(-1, *SHAPE)
    x = jnp.asarray(x if LAYOUT == "NCHW" else x.transpose(0, 2, 3, 1))
    params = {key: jnp.asarray(v) for key, v in params.items()}
    loss = LOSSES[LOSS]
    if lam:
        compiled, weight = jax.jit(jax.value_and_grad(loss)), x.dtype.type(lam)
        return lambda: compiled(params, x, weight)
    at_zero = jax.jit(jax.value_and_grad(lambda params, x: loss(params, x, 0.0)))
    return lambda: at_zero(params, x)


def wait(result: Any) -> Any:
    """What was begun, once it is there."""
    return jax.block_until_ready(result)
