"""Topographic ICA of two layers: squares of filter responses are pooled with weights that are positive, under a root."""

import sympy

import smgen as sm

x = sm.input(144)
h = sm.linear(x, 256, bias=False, name="filters")
weights = sm.softplus(sm.parameter((64, 256), init=-3.0, name="pooling"))
pooled = sm.linear(sm.square(h), 64, bias=False, weights=weights, name="pooled")
network = sm.Network(energy=sm.pointwise(pooled, lambda v: sympy.sqrt(1 + v), name="experts"))
