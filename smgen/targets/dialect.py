"""The differences between languages like C, for the printers of expressions and of element functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A language like C.

    `function` is the text before the result type of a function. `result` says how functions take their results, `&` by
    reference or `*` by address. `suffixed` says that names of float functions end in f. `simd` says that smgen's own
    functions replace those of the library that do not vectorise.
    """

    function: str
    result: str = "*"
    suffixed: bool = True
    simd: bool = False


C: Final = Dialect(function="static inline", simd=True)
CUDA: Final = Dialect(function="static __device__ __forceinline__", result="&")
