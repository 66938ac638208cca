"""Energy of *noisy* patches. Its score is what a denoiser needs: E[clean | y] = y + σ² ∇ log p(y).

    E(y) = −Σ_j [ a_j exp(−h_j²/2) + b_j exp(−h_j²/8) ],    h_j = w_j·y

y is an 8×8 patch without its mean, 63 values.

Why these experts: the denoiser subtracts Σ_j w_j (a_j exp(−h_j²/2) + …) h_j. A small response is taken for noise and
removed, a large one is an edge and stays untouched, since the bump is flat there. log cosh would take the same amount
from every large response, which costs contrast. Two widths let each filter shape its own threshold.
"""

import sympy

import smgen as sm

y = sm.input(63)
h = sm.linear(y, 320, bias=False, name="filters")  # read twice below: a branch
narrow = sm.pointwise(h, lambda g: -sympy.exp(-(g**2) / 2), name="narrow")
wide = sm.pointwise(h, lambda g: -sympy.exp(-(g**2) / 8), name="wide")
network = sm.Network(energy=[sm.scale(narrow, name="a"), sm.scale(wide, name="b")])
