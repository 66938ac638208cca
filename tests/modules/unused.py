"""What a generated module defines and nothing in it uses: private functions, imports, kernels, functions of its C."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator


def unused_python(text: str) -> set[str]:
    """Imports and private names of a module's top level that occur nowhere but in their own definition."""
    tree = ast.parse(text)
    used: set[str] = set()
    for node in tree.body:
        own = {node.name} if isinstance(node, ast.FunctionDef | ast.ClassDef) else set()
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        used |= names - own
    return {name for name in _defined(tree) if name not in used}


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name="__getattr__"):  # Python calls it
                pass
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name.startswith("_"):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name).split(".")[0] for alias in names)
            case ast.Assign(targets=[ast.Name(id=name)]) if name.startswith("_"):
                yield name


def unused_kernels(text: str) -> set[str]:
    """Kernels and device functions of a CUDA module that are launched, and called, nowhere."""
    source = next(
        str(ast.literal_eval(node.value))
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SOURCE"
    )
    host = text.replace(source, "")
    kernels = re.findall(r'extern "C" __global__ void (\w+)\(', source)
    launched = {
        name for name in kernels if f'"{name.split("_", 1)[1] if re.match(r"vec[24]_", name) else name}"' in host
    }
    functions = re.findall(r"^static __device__ (?:__forceinline__ )?\w+ (\w+)\(", source, re.MULTILINE)
    called = {name for name in functions if len(re.findall(rf"\b{name}\b", source)) > 1}
    return {*kernels, *functions} - launched - called


def unused_c(text: str) -> set[str]:
    """Static functions of a C file, loops included, that are called nowhere."""
    heads = re.findall(r"^(?:OUT_OF_LINE|LOOP|static)\b[^;={]*?\b\*?(\w+)\(", text, re.MULTILINE)
    return {name for name in heads if len(re.findall(rf"\b{name}\b", text)) < 2}
