"""The intermediate representation: a schedule of sweeps of operations on named buffers, in single-assignment form.

Frozen values throughout. Whether a buffer varies over the batch is part of its shape: (N, M) does, (M,) does not.
Shapes broadcast as NumPy's do. sympy lives only in `Pointwise`, whose expressions name buffers by `Buffer.symbol`.
"""

from __future__ import annotations

from smgen.ir.buffers import (
    BATCH,
    ITEMSIZE,
    LAMBDA,
    SAMPLES,
    SCALAR,
    Buffer,
    Dim,
    Kind,
    Layout,
    Letter,
    Name,
    Shape,
    broadcast,
    names_in,
)
from smgen.ir.emitter import ZERO, Contribution, Emitter, term
from smgen.ir.functions import ENERGY, HESSIAN_DIAGONAL, LAYER_MEANS, SCORE, STEPS, Function, Lam, functions, step_of
from smgen.ir.operations import (
    Concat,
    Elementary,
    Form,
    Fused,
    Identity,
    Op,
    Pointwise,
    Product,
    Reduce,
    Transpose,
    View,
    product_layout,
)
from smgen.ir.schedules import Phase, Schedule, Sweep

__all__ = [
    "BATCH",
    "ENERGY",
    "HESSIAN_DIAGONAL",
    "ITEMSIZE",
    "LAMBDA",
    "LAYER_MEANS",
    "SAMPLES",
    "SCALAR",
    "SCORE",
    "STEPS",
    "ZERO",
    "Buffer",
    "Concat",
    "Contribution",
    "Dim",
    "Elementary",
    "Emitter",
    "Form",
    "Function",
    "Fused",
    "Identity",
    "Kind",
    "Lam",
    "Layout",
    "Letter",
    "Name",
    "Op",
    "Phase",
    "Pointwise",
    "Product",
    "Reduce",
    "Schedule",
    "Shape",
    "Sweep",
    "Transpose",
    "View",
    "broadcast",
    "functions",
    "names_in",
    "product_layout",
    "step_of",
    "term",
]
