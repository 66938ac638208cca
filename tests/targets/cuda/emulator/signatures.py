"""What the text of a CUDA C file says of its kernels: parameters, launch bounds, and whether their threads meet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "int": np.dtype(np.int32),
    "unsigned": np.dtype(np.uint32),
    "unsigned int": np.dtype(np.uint32),
    "long long": np.dtype(np.int64),
    "unsigned long long": np.dtype(np.uint64),
}

_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+(?:__launch_bounds__\s*\(\s*(?P<a>\d+)[^)]*\)\s*)?void\s+'
    r"(?:__launch_bounds__\s*\(\s*(?P<b>\d+)[^)]*\)\s*)?(?P<name>\w+)\s*\((?P<parameters>[^)]*)\)"
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)((?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)
_HEAD = re.compile(r"(\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*\{")
_MEETING = re.compile(r"__sync\w+|__shfl\w+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`type` is normalised and without __restrict__: "const float*", "int"."""

    type: str
    name: str
    restrict: bool = False

    @property
    def is_pointer(self) -> bool:
        return self.type.endswith("*")

    @property
    def is_written(self) -> bool:
        return self.is_pointer and not self.type.startswith("const ")

    @property
    def dtype(self) -> np.dtype[Any]:
        return DTYPES[self.type.removeprefix("const ").removesuffix("*")]


@dataclass(frozen=True, slots=True)
class Kernel:
    """`needs_fibers`: a barrier or a shuffle can be reached from it."""

    name: str
    parameters: tuple[Parameter, ...]
    max_threads: int
    needs_fibers: bool


def kernels_of(source: str) -> dict[str, Kernel]:
    """Every kernel of the file; ValueError if one is not `extern "C" __global__ void name(plain types)`."""
    text = _COMMENT.sub(" ", source)
    matches = list(_KERNEL.finditer(text))
    if len(matches) != len(re.findall(r"\b__global__\b", text)):
        raise ValueError('a kernel is not declared as: extern "C" __global__ void name(parameters)')
    meeting = _names_that_meet(text)
    return {
        m["name"]: Kernel(
            m["name"],
            tuple(_parameter(p) for p in m["parameters"].split(",") if p.strip()),
            int(m["a"] or m["b"] or 1024),
            m["name"] in meeting,
        )
        for m in matches
    }


def _parameter(declaration: str) -> Parameter:
    *words, name = re.findall(r"\w+|\*", declaration)
    pointers = words.count("*")
    before, after = (words[: words.index("*")], words[words.index("*") :]) if pointers else (words, [])
    base = " ".join(word for word in before if word != "const")
    if base not in DTYPES or pointers > 1 or set(after) - {"*", "const", "__restrict__"}:
        raise ValueError(f"parameter type not understood: {declaration.strip()}")
    if not pointers:
        return Parameter(base, name)
    return Parameter(("const " if "const" in before else "") + base + "*", name, "__restrict__" in after)


def _names_that_meet(text: str) -> set[str]:
    """Functions and macros from whose bodies a barrier or a shuffle can be reached."""
    bodies = {m[1]: m[2] for m in _MACRO.finditer(text)}
    position = 0
    while head := _HEAD.search(text, position):
        position = _closing_brace(text, head.end())
        bodies[head[1]] = bodies.get(head[1], "") + text[head.end() : position]
    words = {name: set(re.findall(r"\w+", body)) for name, body in bodies.items()}
    meeting = {name for name in words if any(_MEETING.fullmatch(word) for word in words[name])}
    while more := {name for name in words if name not in meeting and words[name] & meeting}:
        meeting |= more
    return meeting


def _closing_brace(text: str, start: int) -> int:
    """Where the brace that was opened just before `start` is closed."""
    depth = 1
    for brace in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    return len(text)
