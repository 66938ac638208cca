"""CUDA, under CuPy."""
