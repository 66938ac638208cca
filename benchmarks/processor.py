"""What of the processor a benchmark may use, and what to call it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_EXTENSIONS: Final = {
    "amx_tile": "AMX",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sve": "SVE",
    "asimd": "NEON",
}
"""Vector extensions as Linux names them, the widest of each family first."""


def vector_extensions() -> str:
    """The vector extensions of this processor, as "AVX-512, AVX2, AVX"; an empty string where Linux does not say."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    flags = {flag for line in lines if line.lower().startswith(("flags", "features")) for flag in line.split()}
    return ", ".join(name for flag, name in _EXTENSIONS.items() if flag in flags)


def restrict(threads: int) -> None:
    """Leave this process and those it starts so many CPUs, and so many threads. Raises `ValueError` for too many.

    Linux only. JAX is told no number of threads: it takes one for each CPU that the process may use.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if not 0 < threads <= len(allowed):
        raise ValueError(f"{threads} threads: this process may use {len(allowed)} CPUs")
    os.sched_setaffinity(0, allowed[:threads])
    os.environ["OMP_NUM_THREADS"] = str(threads)
