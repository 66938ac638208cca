"""A softplus network of three layers. Deep: the build warns that the diagonal recursion is inexact."""

import smgen as sm

h = sm.input(64)
for depth, units in enumerate((128, 64, 1), start=1):
    h = sm.softplus(sm.linear(h, units, name=f"layer_{depth}"), name=f"softplus_{depth}")
network = sm.Network(energy=h)
