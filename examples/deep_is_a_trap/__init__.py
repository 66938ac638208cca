"""Deep is a trap: what the diagonal recursion, the exact Hessian and Hutchinson's estimate learn of a known density."""
