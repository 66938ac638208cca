"""The arguments of generated functions: what internal ones take besides x, and the parts of signatures users see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smgen.ir import Function
from smgen.objectives import SIGMA, Given


@dataclass(frozen=True, slots=True)
class Data:
    """An array that an internal function takes besides x: its name, and how many numbers it has for each sample."""

    name: str
    width: int
    says: str


def data_of(function: Function, *, units: int, probes: int, probe_values: str) -> tuple[Data, ...]:
    """What a function takes besides x, in order; `probes` is their number, 0 for functions without."""
    found = [Data(given.name, units if given.is_like_x else 1, _says(given)) for given in function.given]
    if probes and function.curved:
        found.append(Data("probes", probes * units, f"independent numbers, {probe_values}"))
    return tuple(found)


def _says(given: Given) -> str:
    """What it is, for people."""
    if given == SIGMA:
        return "above 0: the standard deviation of the noise"
    words = {"noise": "noise, from N(0, 1)", "v": "a vector", "weights": "weights"}
    return words.get(given.name, given.letter)


def listed(names: Iterable[str]) -> str:
    """Arguments, each followed by a comma: `sigma, noise, `."""
    return "".join(f"{name}, " for name in names)
