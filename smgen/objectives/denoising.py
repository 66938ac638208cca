"""The denoising loss (Vincent, 2011): the score at x + σ ε points back to x. It has no second derivatives.

ε is normal, and the minimiser is the score of the data with this noise added, p(x) ∗ N(0, σ²). With λ = σ²/2,
Hyvärinen's regularised loss at x has the same gradient to second order in σ (Kingma and LeCun, 2010).
"""

from __future__ import annotations

from typing import Final

import sympy as sp

from smgen.objectives.protocol import DELTA, NOISE, SIGMA, Objective, X

_DIFFERENCE: Final = sp.Add(DELTA, -NOISE.symbol / SIGMA.symbol)

DENOISING: Final = Objective(
    name="denoising",
    prefix="denoising_",
    terms=(("J", _DIFFERENCE**2 / 2),),
    given=(SIGMA, NOISE),
    place=X + SIGMA.symbol * NOISE.symbol,
    texts=("½ Σ (δ − ε/σ)²",),
    where="δ at x + σ ε",
)
