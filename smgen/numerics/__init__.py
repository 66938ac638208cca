"""Whether the formulas of a network can be computed in its dtype: refusals and warnings."""
