"""A small convolutional energy with a residual block, for images of three channels. Deep: the recursion is inexact."""

import smgen as sm

x = sm.input((3, 8, 8))
h = sm.softplus(sm.conv2d(x, 8, 3, padding=1, name="stem"))
block = sm.softplus(sm.conv2d(h, 8, 3, padding=1, name="block_1"))
h = h + sm.conv2d(block, 8, 3, padding=1, name="block_2")
h = sm.softplus(sm.conv2d(sm.softplus(h), 16, 3, stride=2, padding=1, name="down"))
network = sm.Network(energy=sm.linear(sm.mean(h, axis=(1, 2)), 1, bias=False, name="top"))
