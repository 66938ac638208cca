"""A mixture of Gaussians as an energy: −log Σ_k π_k N(x; m_k, diag 1/p_k), but for a constant."""

import sympy

import smgen as sm

COMPONENTS, UNITS = 8, 16

x = sm.reshape(sm.input(UNITS), (1, UNITS))
mean = sm.parameter((COMPONENTS, UNITS), name="mean")
precision = 0.01 + sm.softplus(sm.parameter((COMPONENTS, UNITS), init=0.5, name="precision"))
logit = sm.parameter((COMPONENTS, 1), init=0.0, name="logit")
by_unit = sm.pointwise((x, mean, precision), lambda x, m, p: (sympy.log(p) - p * (x - m) ** 2) / 2, name="by_unit")
by_component = sm.sum(by_unit, axis=1, keepdims=True) + logit
network = sm.Network(energy=-sm.logsumexp(by_component, axis=0))
