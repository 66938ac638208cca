"""NumPy: one readable module."""
