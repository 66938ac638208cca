"""The record of a hessian mode: its name, how it lowers a network, and how good its δ′ is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from smgen.analysis.exactness import Verdict
from smgen.ir import Function, Schedule
from smgen.network import Network

Array: TypeAlias = npt.NDArray[np.float64]

DISTRIBUTIONS: Final = ("rademacher", "gaussian")
"""The distributions that entries of probes can have: ±1, which has the smaller variance, or normal."""


@dataclass(frozen=True, slots=True)
class Method:
    """How the second derivatives are computed: the name of a mode, and the options of all modes."""

    hessian: str = "diagonal"
    batch_size: int = 1024
    probes: int = 1
    distribution: str = "rademacher"


@dataclass(frozen=True, slots=True)
class Truth:
    """The values that a module should compute, by the definitions: δ′, (N, D), and terms of Σ_d δ′_d², (N, D)."""

    what: str
    prime: Array
    squares: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A hessian mode.

    `summary` is one line for users who choose a mode. `hessian_phrase` follows "∂²E/∂x_d²" in docstrings, and
    `verdict_sentence` says in a module how good its δ′ is. `quality` judges the mode from the recursion's verdict.
    `schedule` makes the schedule of a function; `possible` says which functions there are; `scheme` says how a function
    computes the second derivatives. `truth` computes the expected δ′ from the recursion's δ′ (N, D), true Hessians
    (N, D, D) and probes (N, P, D); its last argument says whether λ > 0. `takes_probes` says that functions take random
    probes.
    """

    name: str
    summary: str
    hessian_phrase: str
    verdict_sentence: Callable[[Verdict], str]
    quality: Callable[[Network, Verdict, Method], Verdict]
    schedule: Callable[[Network, Method, Function], Schedule]
    scheme: Callable[[Network, Method, Function], str]
    truth: Callable[[Array, Array, Array | None, bool], Truth]
    possible: Callable[[Method, Function], bool] = lambda method, function: True
    takes_probes: bool = False
