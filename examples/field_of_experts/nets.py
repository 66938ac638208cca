"""Descriptions and modules of the field of experts, one for each size of its input. The parameters fit all of them.

    E(u) = −Σ_p Σ_j [ a_j exp(−h_jp²/2) + b_j exp(−h_jp²/8) ],    h_jp = Σ_t w_jt u_{p+t}

Every filter w_j has an expert at every place p (Roth and Black, IJCV 2009). The experts are those of the
demonstration's denoiser: a small response costs energy in proportion to its square; a large one, an edge, costs no more
as it grows. Windows lie inside the image.
"""

from __future__ import annotations

import os
import shlex
import shutil
from functools import cache
from pathlib import Path
from string import Template
from types import ModuleType
from typing import Final

from smgen.build import Options, build
from smgen.loader import load

FILTERS: Final = 48
SIDE: Final = 7
"""A filter has SIDE × SIDE weights."""

MARGIN: Final = SIDE - 1
"""How far away a pixel is at most that shares a filter's window with a given one."""

_DESCRIPTION: Final = Template('''"""A field of experts on $height x $width pixels$given."""

import sympy

import smgen as sm

x = sm.input((1, $height, $width))
$image
h = sm.conv2d(image, $filters, $side, bias=False, name="filters")  # windows inside the image only
narrow = sm.pointwise(h, lambda g: -sympy.exp(-(g**2) / 2), name="narrow")
wide = sm.pointwise(h, lambda g: -sympy.exp(-(g**2) / 8), name="wide")
a = sm.parameter(($filters, 1, 1), init=0.3, name="a")
b = sm.parameter(($filters, 1, 1), init=0.3, name="b")
network = sm.Network(energy=[narrow * a, wide * b])
''')

_FRAMED: Final = Template(
    "frame = sm.condition((1, $height, $width), name='frame')  # 0 where x is\n"
    "image = sm.pad(x, ($margin, $margin, $margin, $margin)) + frame"
)


@cache
def patch_module(folder: Path, side: int, batch: int) -> ModuleType:
    """The module to learn with: the density of side × side pixels *given* the MARGIN pixels around them.

    A filter that lies inside the patch covers a pixel in the middle at SIDE² places, one in a corner at a single place.
    With the frame as a condition every pixel of x is covered as often as in a large image, so the loss is that of the
    field itself. The frame is `frame=`, (N, 1, side + 2 MARGIN, side + 2 MARGIN), 0 where x is.
    """
    whole = side + 2 * MARGIN
    image = _FRAMED.substitute(height=whole, width=whole, margin=MARGIN)
    return _module(folder, "patch", side, side, batch, "loss,loss_and_grad", image, " given the frame around them")


@cache
def image_module(folder: Path, height: int, width: int) -> ModuleType:
    """The module with the score of whole images."""
    return _module(folder, "image", height, width, 1, "score", "image = x", "")


def backend() -> str:
    """`c` where there is a C compiler, else `numpy`."""
    words = shlex.split(os.environ.get("CC", "cc"))
    return "c" if words and shutil.which(words[0]) else "numpy"


def _module(
    folder: Path, kind: str, height: int, width: int, batch: int, functions: str, image: str, given: str
) -> ModuleType:
    net = folder / f"{kind}_{height}x{width}.py"
    text = _DESCRIPTION.substitute(height=height, width=width, image=image, given=given, filters=FILTERS, side=SIDE)
    net.write_text(text, encoding="utf-8")
    options = Options(backend=backend(), hessian="diagonal", batch_size=batch, functions=functions)
    return load(build(net, options=options).path)
