"""A catalogue of networks that between them have every kind of node in every position that matters."""

from __future__ import annotations

from collections.abc import Callable

import sympy

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network


def mlp(dim: int, widths: tuple[int, ...], layer: Callable[[Node], Node], *, linear_top: bool = False) -> Network:
    h = sm.input(dim)
    for depth, width in enumerate(widths):
        h = sm.linear(h, width)
        if not (linear_top and depth == len(widths) - 1):
            h = layer(h)
    return Network(energy=h)


def ica() -> Network:
    return Network(energy=sm.logcosh(sm.linear(sm.input(4), 7, bias=False, name="filters"), name="experts"))


def gaussian() -> Network:
    return Network(energy=sm.pointwise(sm.linear(sm.input(3), 3), lambda g: g**2 / 2))


def student() -> Network:
    x = sm.input(4)
    return Network(energy=sm.scale(sm.student_t(sm.linear(x, 6, bias=False), nu=2), name="alpha"))


def raw_log1p() -> Network:
    return Network(energy=sm.pointwise(sm.linear(sm.input(3), 5), lambda g: sympy.log(1 + g**2 / 2)))


def energy_of_input() -> Network:
    return Network(energy=sm.pointwise(sm.input(3), lambda g: g**4 / 4 + sympy.cosh(g)))


def cubic() -> Network:
    """Its δ′ is x itself, which must not be handed out."""
    return Network(energy=sm.pointwise(sm.input(3), lambda g: g**3 / 6))


def linear_energy() -> Network:
    return Network(energy=sm.linear(sm.input(3), 2))


def input_skips_to_energy() -> Network:
    x = sm.input(3)
    return Network(energy=[sm.softplus(sm.linear(x, 4)), sm.square(x), x])


def skip_and_branch() -> Network:
    x = sm.input(3)
    h = sm.softplus(sm.linear(x, 4, name="W1"))
    up = sm.tanh(sm.linear(h, 4, name="W2"))
    joined = sm.add(h, up, sm.linear(x, 4, bias=False, name="skip"))
    return Network(energy=[sm.silu(joined), sm.scale(h, name="gain")])


def concatenated() -> Network:
    x = sm.input(3)
    a, b = sm.tanh(sm.linear(x, 2)), sm.sigmoid(x)
    both = sm.concat(a, b, x, a)
    return Network(energy=[sm.softplus(sm.linear(both, 4)), sm.scale(both)])


def shared_weights() -> Network:
    x = sm.input(4)
    h = sm.tanh(sm.linear(x, 4, name="first", weights="tied"))
    h = sm.tanh(sm.linear(h, 4, name="second", weights="tied"))
    return Network(energy=sm.linear(h, 1, name="top"))


def doubled() -> Network:
    x = sm.input(3)
    h = sm.linear(x, 3)
    return Network(energy=[e := sm.softplus(sm.add(h, h, x)), e, sm.square(sm.add(x, x))])


def two_linears() -> Network:
    return Network(energy=sm.logcosh(sm.linear(sm.linear(sm.input(3), 4), 3)))


def bottleneck() -> Network:
    return Network(energy=sm.logcosh(sm.linear(sm.linear(sm.input(3), 1), 4)))


def energy_with_children() -> Network:
    x = sm.input(2)
    h = sm.softplus(sm.linear(x, 3))
    return Network(energy=[h, sm.atan(sm.linear(h, 2))])


def scale_between() -> Network:
    x = sm.input(3)
    h = sm.scale(sm.tanh(sm.linear(x, 4)), name="gain")
    return Network(energy=sm.square(sm.scale(sm.linear(h, 3), name="top")))


def wide_variety() -> Network:
    x = sm.input(3)
    parts = [f(sm.linear(x, 2)) for f in (sm.gelu, sm.erf, sm.sin, sm.atan, sm.pseudo_huber, sm.exp, sm.silu)]
    return Network(energy=sm.linear(sm.concat(*parts), 2))


def scaled_input() -> Network:
    x = sm.input(3)
    return Network(energy=[sm.logcosh(sm.scale(x, name="width")), sm.scale(x, name="tilt")])


def pointwise_chain() -> Network:
    h = sm.linear(sm.input(3), 4)
    return Network(energy=sm.square(sm.pointwise(sm.tanh(h), lambda g: g / (1 + sympy.exp(-2 * g)))))


def relu_net() -> Network:
    return mlp(3, (5, 4), sm.relu)


def constants_concat() -> Network:
    x = sm.input(2)
    h = sm.concat(sm.linear(x, 2), sm.square(x))
    return Network(energy=[h, sm.linear(h, 2)])


def deep() -> Network:
    return mlp(3, (5, 4, 3, 1), sm.softplus)


def deep_linear_top() -> Network:
    return mlp(4, (5, 5, 1), sm.silu, linear_top=True)


def gate() -> Network:
    """A node of two inputs with mixed derivatives."""
    x = sm.input(3)
    a, b = sm.linear(x, 4), sm.linear(x, 4, bias=False)
    return Network(energy=sm.pointwise((a, b), lambda a, b: sympy.tanh(a) / (1 + sympy.exp(-b))))


def product_between() -> Network:
    x = sm.input(3)
    h = sm.tanh(sm.linear(x, 3)) * sm.linear(x, 3) - 2 * sm.square(x)
    return Network(energy=sm.softplus(sm.linear(h, 2)))


def learned_student() -> Network:
    """A parameter inside the nonlinearity, held positive by a function."""
    h = sm.linear(sm.input(3), 4, bias=False)
    nu = 1 + sm.softplus(sm.parameter(4, init=1.0, name="shape"))
    return Network(energy=sm.pointwise((h, nu), lambda g, nu: (nu + 1) / 2 * sympy.log(1 + g**2 / nu)))


def positive_weights() -> Network:
    """Weights that are a function of parameters, one array of them used twice."""
    x = sm.input(3)
    v = sm.exp(sm.parameter((3, 3), name="v"))
    h = sm.square(sm.linear(x, 3, weights=v, bias=False))
    return Network(energy=sm.linear(sm.softplus(h), 3, weights=v, name="pool"))


def one_for_all() -> Network:
    """A parameter of one number, and a vertex of one unit, for all units of another."""
    x = sm.input(3)
    temperature = sm.parameter(1, init=0.5, name="temperature")
    h = sm.linear(x, 4) * temperature
    return Network(energy=[sm.logcosh(h) + sm.square(sm.linear(x, 1)), sm.sin(x) / (1 + temperature**2)])


def quotient() -> Network:
    x = sm.input(3)
    h = sm.linear(x, 2)
    return Network(energy=sm.softplus(h) / (1 + sm.square(h)))


CATALOGUE: dict[str, Callable[[], Network]] = {f.__name__: f for f in (
    ica, gaussian, student, raw_log1p, energy_of_input, cubic, linear_energy, input_skips_to_energy, skip_and_branch,
    concatenated, shared_weights, doubled, two_linears, bottleneck, energy_with_children, scale_between, wide_variety,
    scaled_input, pointwise_chain, relu_net, constants_concat, deep, deep_linear_top, gate,
    product_between, learned_student, positive_weights, one_for_all, quotient,
)}  # fmt: skip

EXACT = {
    "ica", "gaussian", "student", "raw_log1p", "energy_of_input", "cubic", "linear_energy", "input_skips_to_energy",
    "bottleneck", "relu_net", "scaled_input", "constants_concat", "pointwise_chain", "wide_variety", "learned_student",
    "positive_weights", "one_for_all",
}  # fmt: skip
"""The networks of the catalogue whose recursion is exact, judged by hand."""
