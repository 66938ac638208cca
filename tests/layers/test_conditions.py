"""Conditions against the oracle: gradients of all that is made of them, in every mode, to 1e-12."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.layers.condition import ARGUMENTS
from smgen.layers.nodes import Node
from smgen.loader import load_source
from smgen.network import Network
from tests import written as w
from tests.every_mode import BACKENDS, Together, compare, each_mode


def number(x: Node) -> Node:
    """One number beside a pointwise function."""
    return sm.softplus(sm.linear(x, 3) * sm.condition())


def array(x: Node) -> Node:
    return sm.tanh(x) * sm.sin(sm.condition((2, 3)))


def row(x: Node) -> Node:
    """With a parameter for each number of it."""
    return sm.sin(x + sm.tanh(sm.condition(3) * sm.parameter(3)))


def divided(x: Node) -> Node:
    """A function of σ divides the energy."""
    sigma = sm.condition()
    return sm.softplus(sm.linear(x, 2)) / (sm.square(sigma * sm.parameter(1)) + 1)


def label(x: Node) -> Node:
    return sm.softplus(sm.linear(x, 4) + w.embedding(sm.condition(), 3, 4))


def gain_and_shift(x: Node) -> Node:
    """A network computes a gain and a shift for each channel from σ and t."""
    given = w.concat(sm.condition(), sm.condition())
    film = sm.linear(sm.tanh(sm.linear(given, 3)), 4)
    gain, shift = (w.reshape(w.part(film, cut), (2, 1)) for cut in (slice(2), slice(2, 4)))
    return sm.softplus(w.conv1d(x, 2, 2) * (1 + gain) + shift)


def image(x: Node) -> Node:
    """What is made of a condition is convolved, pooled and normalised, and joined with x."""
    h = w.layer_norm(w.avg_pool1d(sm.tanh(w.conv1d(sm.condition((2, 3)), 2, 2, padding=1)), 2, 1), 3)
    return sm.square(w.conv1d(w.concat(x, w.softmax(h)), 2, 2))


def factor(x: Node) -> Node:
    """A matrix beside x on the left, and a function of it on the right."""
    a = sm.condition((2, 2))
    return sm.sin(w.matmul(a, x)) + w.matmul(sm.tanh(x), w.reshape(sm.linear(w.flatten(a), 9), (3, 3)))


def energy_of_a_product(x: Node) -> Node:
    """δ of a product is one for all units."""
    return w.matmul(sm.square(x), w.reshape(sm.condition(3), (3, 1)))


def across(x: Node) -> Node:
    """Log-sum-exp and a norm of what depends on x and on a condition."""
    h = x * sm.condition((2, 1))
    return w.logsumexp(h, 0) + w.norm(h, 0, eps=0.1)


ENERGIES = {f.__name__: f for f in (
    number, array, row, divided, label, gain_and_shift, image, factor, energy_of_a_product, across
)}  # fmt: skip
GROUPS = {
    "numbers": Together((2, 3), {name: ENERGIES[name] for name in ("number", "array", "row", "divided", "label")}),
    "networks": Together((2, 3), {name: ENERGIES[name] for name in ("gain_and_shift", "image")}),
    "products": Together((2, 3), {name: ENERGIES[name] for name in ("factor", "energy_of_a_product", "across")}),
}


def one_for_all() -> Network:
    """A condition that several layers read, on the way to x and beside it; labels that two tables read."""
    x, sigma, kind = sm.input(3), sm.condition(name="sigma"), sm.condition(name="kind")
    noise = sm.softplus(sm.linear(sigma, 2))
    h = sm.tanh(sm.linear(w.concat(x, noise, w.embedding(kind, 2, 2, name="first")), 3))
    h = h * sm.softplus(sigma) + w.embedding(kind, 2, 3, name="second")
    return Network(energy=sm.square(h) / (1 + sigma))


def shared_weights() -> Network:
    """A weight on the way of x and on that of a condition."""
    x, y = sm.input(3), sm.condition(3)
    a, b = (sm.tanh(sm.linear(h, 2, weights="tied", name=name)) for h, name in ((x, "tied"), (y, "other")))
    return Network(energy=sm.softplus(sm.linear(a * b, 2) - b))


NETWORKS: dict[str, Callable[[], Network]] = {f.__name__: f for f in (one_for_all, shared_weights)}


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(GROUPS, often=GROUPS)
def test_energies(name: str, mode: str, backend: str) -> None:
    GROUPS[name].compare(mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@each_mode(NETWORKS, often=("one_for_all",))
def test_networks(name: str, mode: str, backend: str) -> None:
    compare(NETWORKS[name](), mode, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_sample(backend: str) -> None:
    for mode in ("diagonal", "exact", "one probe"):
        compare(one_for_all(), mode, backend, samples=1)


@pytest.mark.parametrize("mode", ["diagonal", "hutchinson"])
def test_names_of_arguments_inside_modules_are_free(mode: str) -> None:
    """What functions take besides conditions are arguments of the module's user, or in nobody's way."""

    def text(name: str) -> str:
        noise = sm.condition(name=name)
        network = Network(energy=sm.softplus(sm.linear(sm.input(2), 3) / (1 + noise**2)))
        options = Options(backend="numpy", hessian=mode, objective="hyvarinen,denoising", functions="all")
        return source(network, build_info(network, Path("net.py"), options))

    found = set[str]()
    for node in ast.walk(ast.parse(text("sigma"))):
        if isinstance(node, ast.FunctionDef):
            names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            found |= set(names) if "sigma" in names or node.args.kwarg else set()
    assert ARGUMENTS - {"probes", "rng"} <= found
    for name in found - ARGUMENTS - {"self"}:
        assert load_source(text(name), name).selftest(0), name
