"""Who takes part in benchmarks/images.py: smgen's modules and the peers, as programs for workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.image_networks import Stack
from smgen.bench.contenders import OURS, texts
from smgen.hessians import Method

_FOLDER: Final = Path(__file__).with_name("image_peers")

LAYOUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "jax": ("NCHW", "NHWC", "taps", "patches"),
    "torch": ("NCHW", "channels_last"),
}
"""How each peer may write a convolution."""

EXACT_LAYOUTS: Final[Mapping[str, tuple[str, ...]]] = {"jax": ("patches",), "torch": ("NCHW", "channels_last")}
"""The same for the exact loss, where JAX's other layouts take two to twelve times as long."""

SECOND: Final[Mapping[str, str]] = {"hessian": "Hessian", "taylor": "Taylor"}
"""How each peer computes the exact loss, along a vector for each colour, by what its program calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A program on N samples. Contenders of one loss and one N find the same."""

    name: str
    program: Mapping[str, str]
    samples: int
    loss: str


def names(library: str) -> list[str]:
    """What a peer of the diagonal recursion is called in each layout."""
    return [f"{library} {layout}" for layout in LAYOUTS[library]]


def of_recursion(stack: Stack, samples: int, chosen: Sequence[str]) -> list[Contender]:
    """The diagonal recursion by the chosen backends and libraries, these in every layout."""
    peers = [
        Contender(name=name, program=_program(library, stack, LAYOUT=layout), samples=samples, loss="diagonal")
        for library in chosen
        if library in LAYOUTS
        for name, layout in zip(names(library), LAYOUTS[library], strict=True)
    ]
    return [*(ours(c, stack, samples, "diagonal", c) for c in chosen if c in OURS), *peers]


def of_exact_loss(stack: Stack, samples: int, lam: float, chosen: Sequence[str]) -> list[Contender]:
    """The exact loss by the chosen backends and libraries. Taylor coefficients have no δ′ of a pixel, and so no λ."""
    peers = [
        Contender(
            name=f"{library} {layout}, {name}",
            program=_program(library, stack, LAYOUT=layout, LOSS=second),
            samples=samples,
            loss="exact",
        )
        for library in chosen
        if library in LAYOUTS
        for layout in EXACT_LAYOUTS[library]
        for second, name in SECOND.items()
        if lam == 0 or second == "hessian"
    ]
    return [*(ours(c, stack, samples, "exact", f"{c} exact") for c in chosen if c in OURS), *peers]


def ours(backend: str, stack: Stack, samples: int, hessian: str, name: str) -> Contender:
    """smgen's module in a hessian mode."""
    program = texts(backend, stack.network(), "images", "float32", samples, Method(hessian))
    return Contender(name=name, program=program, samples=samples, loss=hessian)


def _program(library: str, stack: Stack, **settings: Any) -> dict[str, str]:
    """The program's file, with other constants."""
    text = (_FOLDER / f"{library}_program.py").read_text(encoding="utf-8")
    constants = "".join(f"{key} = {value!r}\n" for key, value in {**stack.settings, **settings}.items())
    return {".py": f"{text}\n\n{constants}"}
