"""Three hidden layers: the second and the third mix units that read the same inputs."""

import smgen as sm

x = sm.input(2)
h = sm.softplus(sm.linear(x, 32, name="layer_1"))
h = sm.softplus(sm.linear(h, 32, name="layer_2"))
h = sm.softplus(sm.linear(h, 32, name="layer_3"))
network = sm.Network(energy=sm.linear(h, 1, bias=False, name="energy"))
