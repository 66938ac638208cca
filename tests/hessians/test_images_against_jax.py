"""Modules of networks on images beside JAX in float64: everything they return, in the diagonal and the exact mode.

JAX's convolutions and derivatives share nothing with the compiler: the exact loss is that of jax.hessian, the diagonal
one that of the recursion with transposed convolutions by jax.linear_transpose, and gradients are by jax.grad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests.support import Array, Params, assert_close, module_of, random_case

jax = pytest.importorskip("jax", reason="jax is not installed: pip install 'smgen[bench]'")
jnp = jax.numpy
pytestmark = pytest.mark.slow

SHAPE = (2, 8, 7)
RELATIVE = 1e-10


@dataclass(frozen=True)
class Stack:
    """Square convolutions on each other, written for both libraries."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    padding: int
    ours: Callable[[Node], Node]
    theirs: Callable[[Any], Any]

    def network(self) -> Network:
        h = sm.input(SHAPE)
        for channels, stride in zip(self.channels, self.strides, strict=True):
            h = self.ours(sm.conv2d(h, channels, 3, stride=stride, padding=self.padding))
        return Network(energy=h)

    def convolved(self, h: Any, weight: Any, stride: int) -> Any:
        """The convolution of (N, C, H, W) without its bias."""
        return jax.lax.conv_general_dilated(h, weight, (stride, stride), [(self.padding, self.padding)] * 2)

    def values(self, params: Any, x: Any) -> Iterator[tuple[Any, Any, int, Any]]:
        """What each layer reads, its weight and stride, and g."""
        arrays = [params[key] for key in sorted(params)]
        for bias, weight, stride in zip(arrays[::2], arrays[1::2], self.strides, strict=True):
            g = self.convolved(x, weight, stride) + bias[:, None, None]
            yield x, weight, stride, g
            x = self.theirs(g)

    def energy(self, params: Any, x: Any) -> Any:
        """E of one sample (C, H, W)."""
        *_, (_, _, _, g) = self.values(params, x[None])
        return self.theirs(g).sum()

    def diagonal(self, params: Any, x: Any) -> tuple[Any, Any]:
        """δ and δ′ of one sample by the recursion."""
        first, second = jax.grad(self.theirs), jax.grad(jax.grad(self.theirs))
        d: Any = 1.0
        p: Any = 0.0
        for read, weight, stride, g in reversed(list(self.values(params, x[None]))):
            f1, f2 = (jax.vmap(f)(g.ravel()).reshape(g.shape) for f in (first, second))
            d, p = d * f1, d * f2 + p * f1**2
            shape = jax.ShapeDtypeStruct(read.shape, read.dtype)
            (d,), (p,) = (
                jax.linear_transpose(lambda h, w=w, s=stride: self.convolved(h, w, s), shape)(v)
                for v, w in ((d, weight), (p, weight**2))
            )
        return d[0], p[0]

    def exact(self, params: Any, x: Any) -> tuple[Any, Any]:
        """δ and the diagonal of the Hessian of one sample."""
        units = x.size
        hessian = jax.hessian(self.energy, argnums=1)(params, x).reshape(units, units)
        return jax.grad(self.energy, argnums=1)(params, x), jnp.diagonal(hessian).reshape(x.shape)

    def terms(self, mode: str, params: Any, x: Any, lam: float) -> tuple[Any, Any]:
        """K = ½ Σ δ² and L = Σ (−δ′ + λ δ′²), means over the batch."""
        d, p = jax.vmap(getattr(self, mode), (None, 0))(params, x)
        return 0.5 * (d**2).sum() / len(x), (lam * p**2 - p).sum() / len(x)


STACKS = {
    "field of experts": Stack((6,), (1,), 0, sm.logcosh, lambda g: jnp.logaddexp(g, -g) - jnp.log(2.0)),
    "convolutions": Stack((4, 5, 3), (1, 2, 2), 1, sm.softplus, jax.nn.softplus),
}


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("lam", [0.0, 0.3])
@pytest.mark.parametrize("mode", ["diagonal", "exact"])
@pytest.mark.parametrize("name", STACKS)
def test_everything(name: str, mode: str, lam: float) -> None:
    stack = STACKS[name]
    network = stack.network()
    module = module_of(network, hessian=mode)
    params, x = random_case(network, samples=3)
    images = x.reshape(-1, *SHAPE)
    terms = jax.jit(lambda params: stack.terms(mode, params, images, lam))
    score = -jax.vmap(jax.grad(stack.energy, argnums=1), (None, 0))(params, images)
    assert_close(module.energy(params, x), jax.vmap(stack.energy, (None, 0))(params, images), RELATIVE, "E")
    assert_close(module.score(params, x), score.reshape(x.shape), RELATIVE, "score")
    assert_close(module.loss_terms(params, x, lam), terms(params), RELATIVE, "K and L")
    _compare(module.loss_and_grad(params, x, lam), jax.value_and_grad(lambda p: sum(terms(p)))(params))


def _compare(ours: tuple[Array, Params], theirs: tuple[Any, Any]) -> None:
    """J and its gradient."""
    assert_close(ours[0], theirs[0], RELATIVE, "J")
    assert ours[1].keys() == theirs[1].keys()
    for key, expected in theirs[1].items():
        assert_close(ours[1][key], expected, RELATIVE, key)


@pytest.mark.parametrize("mode", ["diagonal", "exact"])
@pytest.mark.parametrize("name", STACKS)
def test_the_diagonal_of_the_hessian(name: str, mode: str) -> None:
    """The function of that name, sample by sample, and that the two modes are to differ on deep networks only."""
    stack = STACKS[name]
    network = stack.network()
    params, x = random_case(network, samples=2)
    diagonal = module_of(network, hessian=mode).hessian_diagonal(params, x)
    own, other = (
        jax.vmap(getattr(stack, m), (None, 0))(params, x.reshape(-1, *SHAPE))[1].reshape(x.shape)
        for m in (mode, {"diagonal": "exact", "exact": "diagonal"}[mode])
    )
    assert_close(diagonal, own, RELATIVE)
    differ = abs(diagonal - other).max()
    assert differ > 1e-3 if len(stack.channels) > 1 else differ < RELATIVE
