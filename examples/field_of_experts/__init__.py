"""A field of experts, learned from photographs by score matching, denoises and enlarges photographs it has not seen."""
