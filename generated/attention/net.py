"""Attention over a set of eight vectors: an energy that does not depend on their order."""

import smgen as sm

x = sm.input((8, 16))
query, key, value = (sm.linear(x, 16, bias=False, name=name) for name in ("query", "key", "value"))
weights = sm.softmax(sm.matmul(query, sm.permute(key, (1, 0))) / 4, axis=1)
h = x + sm.matmul(weights, value)
network = sm.Network(energy=sm.logcosh(sm.linear(sm.softplus(sm.linear(h, 32, name="hidden")), 16, name="experts")))
