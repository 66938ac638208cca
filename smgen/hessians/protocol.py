"""What a hessian mode states: a record of what it is called, how it is lowered, and what its δ′ is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from smgen.analysis.exactness import Verdict
from smgen.ir import Buffer, Function, Schedule
from smgen.lower.curvature import Curvature
from smgen.lower.functions import schedule
from smgen.lower.values import Lowering
from smgen.network import Network

Array: TypeAlias = npt.NDArray[np.float64]

DISTRIBUTIONS: Final = ("rademacher", "gaussian")
"""Of the entries of probes: ±1, which has the smaller variance, or normal."""


@dataclass(frozen=True, slots=True)
class Method:
    """How the second derivatives are computed: a mode by name, and what it is told."""

    hessian: str = "diagonal"
    batch_size: int = 1024
    probes: int = 1
    distribution: str = "rademacher"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a module in the mode should find, by the definitions: δ′, (N, D), and terms with the mean Σ_d δ′_d²."""

    what: str
    prime: Array
    squares: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A hessian mode.

    `summary` is a line for people who choose, `way` comes after "∂²E/∂x_d²", `statement` says of a module what its δ′
    is worth. `quality` judges the mode by the recursion's verdict. `schedules` are those of the wanted functions,
    `scheme` says how one goes about the second derivatives. `truth` is of the recursion's δ′ (N, D), true Hessians
    (N, D, D) and probes (N, P, D), and whether λ > 0 is asked for. A mode that `draws` takes random probes; one that is
    `unbiased` is right in the mean over them.
    """

    name: str
    summary: str
    way: str
    statement: Callable[[Verdict], str]
    quality: Callable[[Verdict, Method], Verdict]
    schedules: Callable[[Network, Method, tuple[Function, ...]], tuple[Schedule, ...]]
    scheme: Callable[[Network, Method, Function], str]
    truth: Callable[[Array, Array, Array | None, bool], Truth]
    draws: bool = False


def every(
    network: Network,
    wanted: tuple[Function, ...],
    begin: Callable[[Lowering, Function, sp.Expr | None], Curvature],
    arguments: tuple[Buffer, ...] = (),
) -> tuple[Schedule, ...]:
    """Schedules of the wanted functions; `begin` makes the state of one's second derivatives, for its λ."""
    return tuple(schedule(network, function, begin, arguments) for function in wanted)
