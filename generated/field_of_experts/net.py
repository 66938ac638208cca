"""A field of experts on images: learned filters at every place, an expert on each response, a weight for each filter."""

import smgen as sm

x = sm.input((1, 32, 32))
h = sm.conv2d(x, 64, 7, bias=False, name="filters")
weight = sm.softplus(sm.parameter((64, 1, 1), init=0.5, name="alpha"))
network = sm.Network(energy=sm.logcosh(h) * weight)
