"""The setting of Hyvärinen (JMLR 6, 2005), section 3.3: 8×8 patches without their mean, 63 values, and 200 filters.

The energy is that of ica.py, E(x) = Σ_j α_j log cosh(w_j·x) with ‖w_j‖ = 1.
"""

import smgen as sm

x = sm.input(63)
h = sm.linear(x, 200, bias=False, name="filters")
network = sm.Network(energy=sm.scale(sm.logcosh(h, name="experts"), name="strength"))
