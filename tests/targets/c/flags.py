"""How C modules are compiled by hand."""

from __future__ import annotations

FLAGS = [
    "-O2",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Werror",
]
