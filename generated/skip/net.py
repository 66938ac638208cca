"""A graph with a branch, a skip connection, a concatenation and tied weights, and an energy of two terms."""

import smgen as sm
import sympy

x = sm.input(16)
h = sm.tanh(sm.linear(x, 16, name="below"), name="hidden")
joined = sm.add(h, x, name="joined")
above = sm.pointwise(sm.linear(joined, 16, name="above", weights="below"), lambda g: sympy.log(1 + sympy.exp(g)))
both = sm.concat(above, h, name="both")
network = sm.Network(energy=[sm.scale(both, name="gain"), sm.square(x, name="prior")])
