"""Two hidden layers: the second mixes units that read the same inputs, and the diagonal recursion is wrong."""

import smgen as sm

x = sm.input(2)
h = sm.softplus(sm.linear(x, 32, name="layer_1"))
h = sm.softplus(sm.linear(h, 32, name="layer_2"))
network = sm.Network(energy=sm.linear(h, 1, bias=False, name="energy"))
