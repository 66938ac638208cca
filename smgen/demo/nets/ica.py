"""Filters of photographs: overcomplete independent component analysis, or a product of experts.

    E(x) = Σ_j α_j log cosh(w_j·x),    ‖w_j‖ = 1

x is a whitened 12×12 patch without its mean: 144 − 1 = 143 values. There are twice as many filters as values, so this
is no longer an invertible change of variables and the partition function is out of reach; score matching does without.
"""

import smgen as sm

x = sm.input(143)
h = sm.linear(x, 288, bias=False, name="filters")  # one w_j a row; whoever trains keeps the rows at unit length
experts = sm.logcosh(h, name="experts")  # each favours responses near 0 and tolerates a few large ones
network = sm.Network(energy=sm.scale(experts, name="strength"))  # α_j, learned
