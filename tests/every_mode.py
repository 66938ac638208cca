"""Every number of a module beside the oracle's, in each hessian mode, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Final, TypeAlias

import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests import against_oracle
from tests import written as w
from tests.hessians import against_given_probes, against_true_hessian

BACKENDS: Final = ("numpy",)
"""The target whose modules are compared with the oracle; the others are compared with it."""
MODES: Final = ("diagonal", "exact", "hutchinson")
Energies: TypeAlias = Mapping[str, Callable[[Node], Node]]
"""Energies of x, by the names of what they are to show."""


def compare(network: Network, mode: str, backend: str = "numpy", samples: int = 2, seed: int = 0) -> None:
    """All functions of the module, for λ = 0 and 0.3."""
    match mode:
        case "diagonal":
            against_oracle.compare(network, seed, samples, backend)
        case "exact":
            against_true_hessian.compare_module(network, backend, samples, seed)
        case "hutchinson":
            against_given_probes.compare_module(network, backend, 2, samples)
        case "one probe":
            against_given_probes.compare_module(network, backend, 1, samples)
        case _:
            raise ValueError(mode)


@dataclass(frozen=True)
class Together:
    """Several energies of one x. One module serves for all of them; their parameters are apart."""

    shape: tuple[int, ...]
    energies: Energies

    def network(self) -> Network:
        return self._of(*self.energies)

    def compare(self, mode: str, backend: str = "numpy", samples: int = 2) -> None:
        """All of them at once. If that fails, those that fail alone too are named."""
        try:
            compare(self.network(), mode, backend, samples)
        except Exception as error:
            raise AssertionError(f"{self._alone(mode, backend, samples)}: {error}") from error

    def _alone(self, mode: str, backend: str, samples: int) -> str:
        failed = []
        for name in self.energies:
            try:
                compare(self._of(name), mode, backend, samples)
            except Exception as error:
                failed.append(f"{name!r} ({error})")
        return ", ".join(failed) or f"{list(self.energies)}, together only"

    def _of(self, *names: str) -> Network:
        x = sm.input(self.shape)
        return Network(energy=[self.energies[name](x) for name in names])


def in_groups(word: str, shape: tuple[int, ...], energies: Energies, most: int = 9) -> dict[str, Together]:
    """All energies, as few in a group as need be, by names such as "lines 2"."""
    groups = -(-len(energies) // most)
    most = -(-len(energies) // groups)
    rest = iter(energies.items())
    return {f"{word} {k + 1}": Together(shape, dict(islice(rest, most))) for k in range(groups)}


def places(x: Node, shape: tuple[int, ...]) -> Node:
    """The last of the units of a row, as an array of this shape."""
    return w.reshape(w.part(x, slice(-prod(shape), None)), shape)


def each_mode(names: Iterable[str], often: Iterable[str]) -> pytest.MarkDecorator:
    """The networks of `often` in every mode. Others in the diagonal mode, and in one of the other two as slow tests.

    All modes with the true H have the same derivatives of layers, so that one of them shows whether those are right.
    """
    names, quick = list(names), set(often)
    assert quick <= set(names), quick
    cases = []
    for k, name in enumerate(names):
        for mode in MODES if name in quick else ("diagonal", MODES[1 + k % 2]):
            slow = mode != "diagonal" and name not in quick
            cases.append(pytest.param(name, mode, marks=(pytest.mark.slow,) if slow else ()))
    return pytest.mark.parametrize(("name", "mode"), cases)
