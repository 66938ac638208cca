"""The intermediate representation: a schedule of sweeps of operations on named buffers, in single-assignment form.

Frozen values throughout. Whether a buffer varies over the batch is part of its shape: (N, M) does, (M,) does not.
Shapes broadcast as NumPy's do. sympy lives only in `Pointwise`, whose expressions name buffers by `Buffer.symbol`.
"""

from __future__ import annotations

from smgen.ir.axes import PADDINGS, Along, Entry, Padding, Sliding
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
from smgen.ir.emitter import Emitter
from smgen.ir.functions import (
    ENERGY,
    HESSIAN_DIAGONAL,
    LAYER_MEANS,
    PUBLIC_ENERGY,
    PUBLIC_HESSIAN_DIAGONAL,
    PUBLIC_SCORE,
    SCORE,
    STEPS,
    Function,
    Lam,
    PublicFunction,
    functions,
    functions_for,
    public_functions,
    public_losses,
    step_of,
)
from smgen.ir.moves import Concat, Fold, Greatest, Identity, Mix, Permute, Transpose, Unfold, View
from smgen.ir.operations import Elementary, Fused, Op, Pointwise, Reduce, WholeRows
from smgen.ir.patches import Patches, PatchProduct
from smgen.ir.products import EachProduct, Form, Product, WindowForm, WindowProduct, each_product_layout, product_layout
from smgen.ir.schedules import Phase, Schedule, Sweep
from smgen.ir.writer import ZERO, Contribution, term

__all__ = [
    "BATCH",
    "ENERGY",
    "HESSIAN_DIAGONAL",
    "ITEMSIZE",
    "LAMBDA",
    "LAYER_MEANS",
    "PADDINGS",
    "PUBLIC_ENERGY",
    "PUBLIC_HESSIAN_DIAGONAL",
    "PUBLIC_SCORE",
    "SAMPLES",
    "SCALAR",
    "SCORE",
    "STEPS",
    "ZERO",
    "Along",
    "Buffer",
    "Concat",
    "Contribution",
    "Dim",
    "EachProduct",
    "Elementary",
    "Emitter",
    "Entry",
    "Fold",
    "Form",
    "Function",
    "Fused",
    "Greatest",
    "Identity",
    "Kind",
    "Lam",
    "Layout",
    "Letter",
    "Mix",
    "Name",
    "Op",
    "Padding",
    "PatchProduct",
    "Patches",
    "Permute",
    "Phase",
    "Pointwise",
    "Product",
    "PublicFunction",
    "Reduce",
    "Schedule",
    "Shape",
    "Sliding",
    "Sweep",
    "Transpose",
    "Unfold",
    "View",
    "WholeRows",
    "WindowForm",
    "WindowProduct",
    "broadcast",
    "each_product_layout",
    "functions",
    "functions_for",
    "names_in",
    "product_layout",
    "public_functions",
    "public_losses",
    "step_of",
    "term",
]
