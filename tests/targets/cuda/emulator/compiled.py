"""Kernel files compiled for the CPU, each once a session: to a shared library, or with sanitizers to a program."""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final, Literal

from tests.targets.cuda.emulator.signatures import Kernel, kernels_of

Sanitize = Literal["address,undefined", "thread"]

HERE: Final = Path(__file__).parent
_COMMON: Final = ("-std=gnu++17", "-g1", "-fPIC", "-fvisibility=hidden", f"-I{HERE}")
_RUNTIME: Final = {None: (), "address,undefined": ("-DWITH_ADDRESS",), "thread": ("-DWITH_THREAD",)}
_KERNELS: Final = {
    None: ("-O0",),
    "address,undefined": (
        *("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fsanitize-sections=cuda_shared"),
        "-fno-omit-frame-pointer",
    ),
    "thread": ("-O1", "-fsanitize=thread"),
}


class CompileError(Exception):
    """The file is not the CUDA C that cuda_on_cpu.hpp knows."""


@cache
def _folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="cuda_on_cpu_"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def compiled(source: str, sanitize: Sanitize | None, fma: bool) -> Path:
    """The library or program of a kernel file."""
    flags = _KERNELS[sanitize] + (("-O2", "-ffp-contract=fast", *_fma_flags()) if fma else ("-ffp-contract=off",))
    stem = hashlib.sha256("\0".join((source, *flags)).encode()).hexdigest()[:24]
    text, binary = _folder() / f"{stem}.cpp", _folder() / f"{stem}.bin"
    text.write_text(_wrapped(source, sanitize), encoding="utf-8")
    link = ["-shared"] if sanitize is None else []
    _compiler(*flags, "-fno-strict-aliasing", *link, str(text), *_runtime(sanitize), "-o", str(binary))
    return binary


def _wrapped(source: str, sanitize: Sanitize | None) -> str:
    kernels = kernels_of(source).values()
    entries = "\n".join(_entry(kernel, kernel.needs_fibers or sanitize == "thread") for kernel in kernels)
    table = "".join(f'    {{"{kernel.name}", launch_{kernel.name}}},\n' for kernel in kernels)
    return f"""#include "cuda_on_cpu.hpp"
#line 1 "kernels.cu"
{source}
#line 1 "entries"
{entries}
struct Named {{ const char* name; cuda_on_cpu::Entry entry; }};
extern "C" __attribute__((visibility("default"))) const Named cuda_on_cpu_kernels[] = {{
{table}}};
"""


def _entry(kernel: Kernel, fibers: bool) -> str:
    values = ", ".join(f"*static_cast<{p.type}*>(a[{k}])" for k, p in enumerate(kernel.parameters))
    run = (
        f"run_fibers(launch, call_{kernel.name}, a)"
        if fibers
        else f"run_loop(launch, [a] {{ call_{kernel.name}(a); }})"
    )
    return f"""static inline void call_{kernel.name}(void** a) {{ {kernel.name}({values}); (void)a; }}
extern "C" __attribute__((visibility("default")))
const char* launch_{kernel.name}(const cuda_on_cpu::Launch& launch, void** a) {{ return cuda_on_cpu::{run}; }}
"""


@cache
def _runtime(sanitize: Sanitize | None) -> tuple[str, ...]:
    """The object files that every kernel file is linked with."""
    objects = []
    for name in ("runtime",) if sanitize is None else ("runtime", "driver"):
        target = _folder() / f"{name}-{sanitize or 'plain'}.o"
        _compiler("-O2", *_RUNTIME[sanitize], "-c", str(HERE / f"{name}.cpp"), "-o", str(target))
        objects.append(str(target))
    return tuple(objects)


def _fma_flags() -> tuple[str, ...]:
    return ("-mfma",) if platform.machine() == "x86_64" else ()


def _compiler(*arguments: str) -> None:
    command = [os.environ.get("CXX", "g++"), *_COMMON, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CompileError(result.stderr)
