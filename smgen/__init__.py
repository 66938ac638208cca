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
    from smgen.loader import load as load
    from smgen.named import atan as atan
    from smgen.named import cos as cos
    from smgen.named import erf as erf
    from smgen.named import exp as exp
    from smgen.named import gelu as gelu
    from smgen.named import leaky_relu as leaky_relu
    from smgen.named import logcosh as logcosh
    from smgen.named import pseudo_huber as pseudo_huber
    from smgen.named import relu as relu
    from smgen.named import sigmoid as sigmoid
    from smgen.named import silu as silu
    from smgen.named import sin as sin
    from smgen.named import softplus as softplus
    from smgen.named import square as square
    from smgen.named import student_t as student_t
    from smgen.named import tanh as tanh
    from smgen.network import Network as Network
    from smgen.nodes import Node as Node
    from smgen.nodes import add as add
    from smgen.nodes import concat as concat
    from smgen.nodes import input as input
    from smgen.nodes import linear as linear
    from smgen.nodes import pointwise as pointwise
    from smgen.nodes import scale as scale

__version__: Final = "0.1.0"

_HOMES: Final = {
    "errors": ("SmgenError", "SmgenWarning"),
    "loader": ("load",),
    "named": ("atan", "cos", "erf", "exp", "gelu", "leaky_relu", "logcosh", "pseudo_huber", "relu", "sigmoid", "silu",
              "sin", "softplus", "square", "student_t", "tanh"),
    "network": ("Network",),
    "nodes": ("Node", "add", "concat", "input", "linear", "pointwise", "scale"),
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
