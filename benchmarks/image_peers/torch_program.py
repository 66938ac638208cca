"""Value and gradient of the loss of a stack of convolutions in PyTorch, eagerly, by autograd.

`LOSS` says which. "diagonal": the δ/δ′ recursion. "hessian": the exact loss, the diagonal of the Hessian by double
backward along a vector for each colour. "taylor": the exact loss at λ = 0, from the second derivatives of E along the
same vectors by Taylor coefficients. `AT_ONCE` colours are a batch, after which their graph is freed. Pixels of one
colour are `PERIOD` apart and so in no common receptive field: their columns of the Hessian do not overlap.

`LAYOUT` is "NCHW" or "channels_last".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.functional import conv2d, conv_transpose2d, softplus

SHAPE: tuple[int, ...] = (1, 64, 64)
STRIDES: tuple[int, ...] = (1,)
PADDING = 0
FUNCTION = "logcosh"
PERIOD = 7
LAYOUT = "NCHW"
LOSS = "diagonal"
AT_ONCE = 27

Tensor = Any
Params = dict[str, Tensor]


def value(g: Tensor) -> Tensor:
    """f."""
    return softplus(g) if FUNCTION == "softplus" else torch.logaddexp(g, -g) - torch.log(torch.tensor(2.0))


def slopes(g: Tensor) -> tuple[Tensor, Tensor]:
    """f′ and f″."""
    if FUNCTION == "softplus":
        s = torch.sigmoid(g)
        return s, s * (1 - s)
    t = torch.tanh(g)
    return t, 1 - t * t


def lying(v: Tensor) -> Tensor:
    """The same array in the layout."""
    return v.contiguous(memory_format=torch.channels_last if LAYOUT == "channels_last" else torch.contiguous_format)


def layers(params: Params) -> list[tuple[Tensor, Tensor, int]]:
    """Weights, bias or None, stride of each layer."""
    weights = [lying(v) for v in params.values() if v.ndim == 4]
    biases = [v for v in params.values() if v.ndim == 1] or [None] * len(STRIDES)
    return list(zip(weights, biases, STRIDES, strict=True))


def recursion(params: Params, x: Tensor, lam: float) -> Tensor:
    """J = mean of Σ_d (½ δ² − δ′ + λ δ′²), δ and δ′ by the recursion."""
    h, steps = x, []
    stack = layers(params)
    for w, b, stride in stack:
        g = conv2d(h, w, b, stride, PADDING)
        k, size = w.shape[-1], h.shape[-1]
        beyond = (size + 2 * PADDING - k) % stride  # rows that no window reaches
        steps.append((w, stride, beyond, *slopes(g)))
        if len(steps) < len(stack):
            h = value(g)
    d = p = None
    for w, stride, beyond, f1, f2 in reversed(steps):
        d, p = (f1, f2) if d is None else (d * f1, d * f2 + p * f1 * f1)
        d = conv_transpose2d(d, w, None, stride, PADDING, beyond)
        p = conv_transpose2d(p, w * w, None, stride, PADDING, beyond)
    return total(d, p, lam) / len(x)


def total(d: Tensor, p: Tensor, lam: float) -> Tensor:
    """The sum of the terms."""
    J = 0.5 * (d * d).sum() - p.sum()
    return J + lam * (p * p).sum() if lam else J


def energy(params: Params, x: Tensor) -> Tensor:
    """E, summed over the samples."""
    for w, b, stride in layers(params):
        x = value(conv2d(x, w, b, stride, PADDING))
    return x.sum()


def colours(dtype: Any) -> Tensor:
    """1 at the pixels of a colour, (colours, …)."""
    channels, height, width = SHAPE
    found = torch.zeros((channels, PERIOD, PERIOD, *SHAPE), dtype=dtype)
    for c in range(channels):
        for i in range(min(PERIOD, height)):
            for j in range(min(PERIOD, width)):
                found[c, i, j, c, i::PERIOD, j::PERIOD] = 1
    v = found.reshape(-1, *SHAPE)
    return v[v.any(3).any(2).any(1)]


def of_slope(params: Params, x: Tensor) -> Tensor:
    """Σ ½ δ²."""
    d = torch.autograd.grad(energy(params, x), x, create_graph=True)[0]
    return 0.5 * (d * d).sum()


def of_hessian(params: Params, x: Tensor, v: Tensor, lam: float) -> Tensor:
    """Σ (λ (H_dd)² − H_dd) over the pixels d of some colours: as a batch, the samples for each colour."""
    repeated = lying(x.detach().repeat(len(v), 1, 1, 1)).requires_grad_()
    v = lying(v.repeat_interleave(len(x), 0))
    d = torch.autograd.grad(energy(params, repeated), repeated, create_graph=True)[0]
    p = v * torch.autograd.grad((d * v).sum(), repeated, create_graph=True)[0]
    return lam * (p * p).sum() - p.sum() if lam else -p.sum()


def of_taylor(params: Params, x: Tensor, v: Tensor, lam: float) -> Tensor:
    """−Σ vᵀ H v, with vᵀ H v = d²/dt² E(x + t v), for some colours, beside one forward pass."""
    count, samples = len(v), len(x)
    h, one, two = x.detach(), lying(v.repeat_interleave(samples, 0)), torch.zeros(())
    for w, b, stride in layers(params):
        g = conv2d(h, w, b, stride, PADDING)
        f1, f2 = (lying(f.repeat(count, 1, 1, 1)) for f in slopes(g))
        one = conv2d(one, w, None, stride, PADDING)
        two = f2 * one * one + (f1 * conv2d(two, w, None, stride, PADDING) if two.ndim else two)
        h, one = value(g), f1 * one
    return -two.sum()


def terms(params: Params, x: Tensor, lam: float) -> Iterator[Tensor]:
    """The parts of the loss, one after the other: each with a graph of its own."""
    if LOSS == "diagonal":
        yield recursion(params, x, lam)
        return
    second = of_taylor if LOSS == "taylor" else of_hessian
    yield of_slope(params, x) / len(x)
    for v in colours(x.dtype).split(AT_ONCE):
        yield second(params, x, v, lam) / len(x)


def make(params: Params, x: Tensor, lam: float) -> Callable[[], Any]:
    """A step."""
    params = {key: torch.tensor(v, requires_grad=True) for key, v in params.items()}
    x = lying(torch.tensor(x).reshape(-1, *SHAPE))
    if LOSS != "diagonal":
        x.requires_grad_()
    leaves = list(params.values())

    def step() -> Any:
        J, gradient = 0.0, None
        for term in terms(params, x, lam):
            more = torch.autograd.grad(term, leaves, allow_unused=True, materialize_grads=True)
            gradient = more if gradient is None else [a.add_(b) for a, b in zip(gradient, more, strict=True)]
            J = J + term.detach()
        assert gradient is not None
        return J, dict(zip(params, gradient, strict=True))

    return step


def wait(result: Any) -> Any:
    """What was begun: PyTorch on a CPU has finished."""
    return result
