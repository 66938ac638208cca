"""The methods, and their settings from the arguments of `sample`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from smgen.errors import did_you_mean
from smgen.sampling.annealed import Annealed
from smgen.sampling.checks import ORIGIN, one_of
from smgen.sampling.errors import SamplingError
from smgen.sampling.hmc import HMC
from smgen.sampling.langevin import Langevin
from smgen.sampling.mala import MALA
from smgen.sampling.problem import Method
from smgen.sampling.tempering import Tempering

Kind = type[HMC] | type[MALA] | type[Langevin] | type[Annealed] | type[Tempering]

METHODS: Final[Mapping[str, Kind]] = {kind.NAME: kind for kind in (HMC, MALA, Langevin, Annealed, Tempering)}
"""The record of settings of each method; its fields, with their defaults, are the method's options."""


def configured(method: object, options: Mapping[str, object]) -> Method:
    """The settings of a method: its defaults, with the options that are not None in their place.

    Raises `SamplingError` for an unknown method or option, and for values that the method refuses.
    """
    kind = METHODS[one_of("method", method, METHODS)]
    known = [field.name for field in fields(kind)]
    chosen = {name: value for name, value in options.items() if value is not None}
    for name in chosen:
        if name not in known:
            raise SamplingError(
                origin=ORIGIN,
                what=f"method='{kind.NAME}' has no option '{name}'{did_you_mean(name, known)}",
                hint=f"its options are {', '.join(sorted(known))}",
            )
    return kind(**chosen)  # type: ignore[arg-type]
