"""Who takes part in benchmarks/images.py: smgen's modules and the peers, as programs for workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.image_networks import Stack
from smgen.bench.contenders import texts
from smgen.hessians import Method

_FOLDER: Final = Path(__file__).with_name("image_peers")

LAYOUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "jax": ("NCHW", "NHWC", "taps", "patches"),
    "torch": ("NCHW", "channels_last"),
}
"""How each peer may write a convolution; the best of them counts."""

SECOND: Final[Mapping[str, str]] = {"hessian": "colours, Hessian", "taylor": "colours, Taylor"}
"""How each peer computes the exact loss, by what its program calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A program on N samples. Contenders of one loss and one N find the same."""

    name: str
    program: Mapping[str, str]
    samples: int
    loss: str


def ours(backend: str, stack: Stack, samples: int, hessian: str, name: str = "") -> Contender:
    """smgen's module in a hessian mode."""
    program = texts(backend, stack.network(), "images", "float32", samples, Method(hessian))
    return Contender(name=name or backend, program=program, samples=samples, loss=hessian)


def diagonal(library: str, layout: str, stack: Stack, samples: int) -> Contender:
    """A peer's diagonal recursion in one layout."""
    program = _program(library, stack, LAYOUT=layout)
    return Contender(name=f"{library} {layout}", program=program, samples=samples, loss="diagonal")


def exact(library: str, layout: str, second: str, stack: Stack, samples: int) -> Contender:
    """A peer's exact loss by coloured tangents, in one layout."""
    program = _program(library, stack, LAYOUT=layout, LOSS=second)
    name = f"{library} {layout}, {SECOND[second]}"
    return Contender(name=name, program=program, samples=samples, loss="exact")


def _program(library: str, stack: Stack, **settings: Any) -> dict[str, str]:
    """The program's file, with other constants."""
    text = (_FOLDER / f"{library}_program.py").read_text(encoding="utf-8")
    constants = "".join(f"{key} = {value!r}\n" for key, value in {**stack.settings, **settings}.items())
    return {".py": f"{text}\n\n{constants}"}
