"""Overcomplete independent component analysis: one layer of filters below log-cosh experts."""

import smgen as sm

x = sm.input(144)
h = sm.linear(x, 288, bias=False, name="filters")
network = sm.Network(energy=sm.logcosh(h, name="experts"))
