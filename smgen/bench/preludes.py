"""The beginnings of the peers' programs: the functions that nonlinearities are made of, in each library."""

from __future__ import annotations

from typing import Final

JAX: Final = """import jax
import jax.numpy as jnp
from jax.numpy import arctan as atan, cos, cosh, exp, expm1, log, log1p, pi, sin, sinh, sqrt, tan, tanh
from jax.scipy.special import erf
from jax.nn import relu, sigmoid, softplus

jax.config.update("jax_enable_x64", True)


def logcosh(g):
    return jnp.abs(g) + log1p(exp(-2 * jnp.abs(g))) - jnp.log(2.0).astype(g.dtype)


def ndtr(g):
    return (1 + erf(g / 2**0.5)) / 2


def gaussian(g, c):
    return exp(-c * g * g)


def Abs(g):
    return jnp.abs(g)


absolute = Abs
"""

TORCH: Final = """import math

import torch
from torch import cos, cosh, erf, exp, expm1, log, log1p, relu, sigmoid, sin, sinh, sqrt, tan, tanh
from torch.nn.functional import softplus

pi = math.pi


def logcosh(g):
    return torch.abs(g) + log1p(exp(-2 * torch.abs(g))) - math.log(2.0)


def sech(g):
    return 1 / cosh(g)


def step(g):
    return (g > 0).to(g.dtype)


def ndtr(g):
    return (1 + erf(g / 2**0.5)) / 2


def gaussian(g, c):
    return exp(-c * g * g)
"""

NUMPY: Final = """import numpy as np
from numpy import cos, cosh, exp, expm1, log, log1p, pi, sin, sinh, sqrt, tan, tanh


def logcosh(g):
    return np.logaddexp(g, -g) - np.log(2.0).astype(g.dtype)


def softplus(g):
    return np.logaddexp(g, np.zeros((), g.dtype))


def sigmoid(g):
    return (1 + tanh(g / 2)) / 2


def sech(g):
    return 1 / cosh(g)


def relu(g):
    return np.maximum(g, 0)


def step(g):
    return (g > 0).astype(g.dtype)


def gaussian(g, c):
    return exp(-c * g * g)
"""
