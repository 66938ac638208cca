"""What languages like C differ in, as the printers of expressions and of element functions need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A language like C.

    `function` is what stands before the result type of a function. `result` is how it takes what it computes: `&` by
    reference, `*` by address. `suffixed` says that functions of float end in f; `simd`, that smgen's own functions
    stand for those of the library which do not vectorise.
    """

    function: str
    result: str = "*"
    suffixed: bool = True
    simd: bool = False


C: Final = Dialect(function="static inline", simd=True)
CUDA: Final = Dialect(function="static __device__ __forceinline__", result="&")
