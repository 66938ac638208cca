"""What the functions for derivatives as products take the gradient of: sums over the batch, without a model of data.

With weights w, one a sample, and a vector v of the shape of x,

    Σ w E                its gradient serves maximum likelihood by sampling, contrastive divergence, noise contrast
    Σ w Δ, Δ = Σ_d δ′_d  losses on the Laplacian: physics-informed ones, variational Monte Carlo
    −Σ vᵀδ               any loss on the score: v is the loss's derivative by it
    Σ vᵀδ                whose derivative by x is H v
"""

from __future__ import annotations

from typing import Final

from smgen.objectives.protocol import DELTA, DELTA_PRIME, VECTOR, E, Objective

ENERGY_SUM: Final = Objective(name="energy", prefix="", terms=(("E", E),), total="sum")
LAPLACIAN_SUM: Final = Objective(name="laplacian", prefix="", terms=(("T", DELTA_PRIME),), total="sum")
SCORE_PRODUCT: Final = Objective(
    name="score product", prefix="", terms=(("S", -VECTOR.symbol * DELTA),), given=(VECTOR,), total="sum"
)
HESSIAN_PRODUCT: Final = Objective(
    name="hessian product", prefix="", terms=(("S", VECTOR.symbol * DELTA),), given=(VECTOR,), total="sum"
)
