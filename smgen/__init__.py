"""smgen, a compiler for score matching: from an energy network to a module with the exact gradient of its loss.

In `net.py`:

    import smgen as sm

    x = sm.input(144)
    h = sm.linear(x, 288, bias=False, name="filters")
    network = sm.Network(energy=sm.logcosh(h))

Names are imported on first use, so that `import smgen` and `smgen --help` are quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from smgen.errors import SmgenError as SmgenError
    from smgen.errors import SmgenWarning as SmgenWarning
    from smgen.layers.concat import concat as concat
    from smgen.layers.data import input as input
    from smgen.layers.dense import linear as linear
    from smgen.layers.named import atan as atan
    from smgen.layers.named import cos as cos
    from smgen.layers.named import erf as erf
    from smgen.layers.named import exp as exp
    from smgen.layers.named import gelu as gelu
    from smgen.layers.named import leaky_relu as leaky_relu
    from smgen.layers.named import logcosh as logcosh
    from smgen.layers.named import pseudo_huber as pseudo_huber
    from smgen.layers.named import relu as relu
    from smgen.layers.named import sigmoid as sigmoid
    from smgen.layers.named import silu as silu
    from smgen.layers.named import sin as sin
    from smgen.layers.named import softplus as softplus
    from smgen.layers.named import square as square
    from smgen.layers.named import student_t as student_t
    from smgen.layers.named import tanh as tanh
    from smgen.layers.nodes import Node as Node
    from smgen.layers.parameter import parameter as parameter
    from smgen.layers.pointwise import add as add
    from smgen.layers.pointwise import pointwise as pointwise
    from smgen.layers.pointwise import scale as scale
    from smgen.loader import load as load
    from smgen.network import Network as Network


__version__: Final = "0.1.0"

_HOMES: Final = {
    "errors": ("SmgenError", "SmgenWarning"),
    "layers.concat": ("concat",),
    "layers.data": ("input",),
    "layers.dense": ("linear",),
    "layers.named": ("atan", "cos", "erf", "exp", "gelu", "leaky_relu", "logcosh", "pseudo_huber", "relu", "sigmoid",
                     "silu", "sin", "softplus", "square", "student_t", "tanh"),
    "layers.nodes": ("Node",),
    "layers.parameter": ("parameter",),
    "layers.pointwise": ("add", "pointwise", "scale"),
    "loader": ("load",),
    "network": ("Network",),
}  # fmt: skip

__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> Any:
    """Import a public name from its home, or say which one was probably meant."""
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(f"smgen.{home}"), name)
            globals()[name] = value
            return value
    if name.startswith("__"):
        raise AttributeError(f"module 'smgen' has no attribute {name!r}")
    from smgen.errors import did_you_mean

    raise AttributeError(f"module 'smgen' has no attribute {name!r}{did_you_mean(name, __all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
