"""A product of Student-t experts: learned filters, biases and a learned weight for each expert."""

import smgen as sm

x = sm.input(64)
h = sm.student_t(sm.linear(x, 128, name="filters"), nu=2, name="experts")
network = sm.Network(energy=sm.scale(h, name="alpha"))
