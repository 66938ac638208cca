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
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from smgen.applications import denoise as denoise
    from smgen.applications import evaluate as evaluate
    from smgen.applications import inpaint as inpaint
    from smgen.applications import sample as sample
    from smgen.applications import super_resolve as super_resolve
    from smgen.errors import SmgenError as SmgenError
    from smgen.errors import SmgenWarning as SmgenWarning
    from smgen.estimators import ICA as ICA
    from smgen.estimators import ScoreMatching as ScoreMatching
    from smgen.layers.across import group_norm as group_norm
    from smgen.layers.across import l2_pool as l2_pool
    from smgen.layers.across import layer_norm as layer_norm
    from smgen.layers.across import logsumexp as logsumexp
    from smgen.layers.across import norm as norm
    from smgen.layers.across import softmax as softmax
    from smgen.layers.arrange import flatten as flatten
    from smgen.layers.arrange import permute as permute
    from smgen.layers.arrange import reshape as reshape
    from smgen.layers.axes import mean as mean
    from smgen.layers.axes import pad as pad
    from smgen.layers.axes import sum as sum
    from smgen.layers.bilinear import matmul as matmul
    from smgen.layers.concat import concat as concat
    from smgen.layers.condition import condition as condition
    from smgen.layers.constant import constant as constant
    from smgen.layers.convolution import conv1d as conv1d
    from smgen.layers.convolution import conv2d as conv2d
    from smgen.layers.data import input as input
    from smgen.layers.dense import linear as linear
    from smgen.layers.embedding import embedding as embedding
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
    from smgen.layers.pooling import avg_pool1d as avg_pool1d
    from smgen.layers.pooling import avg_pool2d as avg_pool2d
    from smgen.layers.pooling import sum_pool as sum_pool
    from smgen.layers.pooling import upsample as upsample
    from smgen.layers.transposed_convolution import conv_transpose1d as conv_transpose1d
    from smgen.layers.transposed_convolution import conv_transpose2d as conv_transpose2d
    from smgen.models import Model as Model
    from smgen.models import load as load
    from smgen.network import Network as Network
    from smgen.training import fit as fit


__version__: Final = "0.1.0"

_HOMES: Final = {
    "estimators": ("ICA", "ScoreMatching"),
    "errors": ("SmgenError", "SmgenWarning"),
    "layers.across": ("group_norm", "l2_pool", "layer_norm", "logsumexp", "norm", "softmax"),
    "layers.arrange": ("flatten", "permute", "reshape"),
    "layers.axes": ("mean", "pad", "sum"),
    "layers.bilinear": ("matmul",),
    "layers.concat": ("concat",),
    "layers.condition": ("condition",),
    "layers.constant": ("constant",),
    "layers.convolution": ("conv1d", "conv2d"),
    "layers.data": ("input",),
    "layers.dense": ("linear",),
    "layers.embedding": ("embedding",),
    "layers.named": ("atan", "cos", "erf", "exp", "gelu", "leaky_relu", "logcosh", "pseudo_huber", "relu", "sigmoid",
                     "silu", "sin", "softplus", "square", "student_t", "tanh"),
    "layers.nodes": ("Node",),
    "layers.parameter": ("parameter",),
    "layers.pooling": ("avg_pool1d", "avg_pool2d", "sum_pool", "upsample"),
    "layers.transposed_convolution": ("conv_transpose1d", "conv_transpose2d"),
    "layers.pointwise": ("add", "pointwise", "scale"),
    "models": ("Model", "load"),
    "network": ("Network",),
    "training": ("fit",),
    "applications": ("denoise", "evaluate", "inpaint", "sample", "super_resolve"),
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

    sympy = sys.modules.get("sympy")  # there once a node is made; `from smgen import module` asks for names too
    is_formula = sympy and (name == "sqrt" or isinstance(getattr(sympy, name, None), sympy.FunctionClass))
    advice = f" (sm.pointwise(h, sympy.{name}) makes it)" if is_formula else did_you_mean(name, __all__)
    raise AttributeError(f"module 'smgen' has no attribute {name!r}{advice}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
