"""A gated network with conditions: a label and a noise level set gains and offsets of the hidden units, sigma the scale."""

import sympy

import smgen as sm

x = sm.input(64)
label = sm.condition(name="label")
sigma = sm.condition(name="sigma", domain=(1e-3, None))

level = sm.pointwise(sigma, sympy.log, name="level")
known = sm.concat(sm.embedding(label, 10, 16, name="labels"), level)
known = sm.softplus(sm.linear(known, 32, name="known"))
gain, offset = sm.linear(known, 128, name="gain"), sm.linear(known, 128, name="offset")
h = sm.softplus(sm.linear(x, 128, name="hidden") * sm.sigmoid(gain) + offset)
gate = sm.sigmoid(sm.linear(x, 128, name="gate"))
network = sm.Network(energy=(h * gate) / (1 + sigma**2))
