"""C, under NumPy or alone."""
