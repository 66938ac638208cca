"""One hidden layer, E(x) = a · softplus(W₁ x + b₁): one mixing layer, so the diagonal recursion is exact."""

import smgen as sm

x = sm.input(2)
h = sm.softplus(sm.linear(x, 128, name="layer_1"))
network = sm.Network(energy=sm.linear(h, 1, bias=False, name="energy"))
