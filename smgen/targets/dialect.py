"""What languages like C differ in: how each spells functions, pointers and calls of the mathematical library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A language like C, as the printers of expressions and element functions need it.

    `function` and `kernel` are what stands before the result type of a function and of a kernel, `memory` before that
    of an array's numbers. `suffixed` says that functions of float end in f; `simd`, that smgen's own functions stand
    for those of the library which do not vectorise. `element` is the number of the element that a kernel computes.
    """

    function: str
    kernel: str = ""
    memory: str = ""
    element: str = ""
    suffixed: bool = True
    simd: bool = False


C: Final = Dialect(function="static inline", simd=True)
CUDA: Final = Dialect(function="static __device__ __forceinline__", kernel='extern "C" __global__')
