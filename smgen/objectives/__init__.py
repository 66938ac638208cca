"""The objectives, one file each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from smgen.errors import BuildError, did_you_mean
from smgen.objectives.denoising import DENOISING
from smgen.objectives.derivatives import ENERGY_SUM, HESSIAN_PRODUCT, LAPLACIAN_SUM, SCORE_PRODUCT
from smgen.objectives.generalised import FAMILY, WEIGHT_FUNCTIONS, generalised, spelled
from smgen.objectives.hyvarinen import HYVARINEN
from smgen.objectives.protocol import (
    DELTA,
    DELTA_PRIME,
    LAM,
    NOISE,
    SAMPLE_WEIGHTS,
    SIGMA,
    VECTOR,
    WEIGHTS,
    E,
    Given,
    Objective,
    Parts,
    X,
    by_x,
)

__all__ = [
    "DELTA",
    "DELTA_PRIME",
    "DENOISING",
    "ENERGY_SUM",
    "HESSIAN_PRODUCT",
    "HYVARINEN",
    "LAM",
    "LAPLACIAN_SUM",
    "NOISE",
    "OBJECTIVES",
    "SAMPLE_WEIGHTS",
    "SCORE_PRODUCT",
    "SIGMA",
    "VECTOR",
    "WEIGHTS",
    "E",
    "Given",
    "Objective",
    "Parts",
    "X",
    "by_x",
    "chosen_objectives",
    "objective_names",
]  # fmt: skip

OBJECTIVES: Final[dict[str, Objective]] = {objective.name: objective for objective in (HYVARINEN, DENOISING)}
"""Every objective that has no numbers of its own, by name."""


def objective_names() -> tuple[str, ...]:
    """How users write the objectives."""
    return (*OBJECTIVES, *map(spelled, WEIGHT_FUNCTIONS))


def chosen_objectives(choice: str | Iterable[str]) -> tuple[Objective, ...]:
    """The objectives of these names, in the order of the tables. Raises `BuildError` for a name that none has.

    Each text is a name, or several with commas between them.
    """
    texts = (choice,) if isinstance(choice, str) else choice
    words = list(dict.fromkeys(word.strip() for text in texts for word in f"{text}".split(",") if word.strip()))
    names, hint = objective_names(), "one or several of "
    if not words:
        raise BuildError(what="--objective: none is named", hint=f"{hint}{', '.join(names)}")
    found = {}
    for word in words:
        if word not in OBJECTIVES and word.partition(":")[0] != FAMILY:
            raise BuildError(
                what=f"--objective {word}: no such objective{did_you_mean(word, OBJECTIVES)}",
                hint=f"{hint}{', '.join(names)}",
            )
        found[word] = OBJECTIVES.get(word) or generalised(word)
    weighted = [name for name in found if name not in OBJECTIVES]
    if len(weighted) > 1:
        raise BuildError(
            what=f"--objective {', '.join(weighted)}: a module has one weight function", hint="build a module for each"
        )
    return tuple(found[name] for name in (*(n for n in OBJECTIVES if n in found), *weighted))
