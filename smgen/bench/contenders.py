"""Who is measured: smgen's modules and the peers, what each needs, and its program's texts by extension."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from smgen.bench.autodiff import ours
from smgen.bench.peers import PEERS, peer
from smgen.build import Options, build_info, sources
from smgen.errors import BuildError
from smgen.hessians import Method
from smgen.network import Network
from smgen.targets import TARGETS

OURS: Final[tuple[str, ...]] = tuple(name for name in ("numpy", "c") if name in TARGETS)
"""The backends that run on the CPU."""

CONTENDERS: Final = (*OURS, *PEERS)

_NEEDS: Final = {
    "c": ("scipy_openblas32", "c"),
    "jax": ("jax", "bench"),
    "torch": ("torch", "bench"),
    "torch.compile": ("torch", "bench"),
}
"""The package that a contender needs, and the extra that installs it."""


class BenchUnavailable(BuildError):
    """Something that a contender needs is not there."""


def obstacle(contender: str) -> tuple[str, str] | None:
    """Why the contender cannot run here, and what to do about it."""
    package, extra = _NEEDS.get(contender, ("", ""))
    if package and find_spec(package) is None:
        return f"{package.replace('_', '-')} is not installed", f"pip install 'smgen[{extra}]'"
    compiler = shlex.split(os.environ.get("CC", "cc"))[0]
    if contender == "c" and shutil.which(compiler) is None:
        return f"there is no C compiler {compiler!r}", "install one, or name one in CC"
    return None


def available(
    wanted: Sequence[str],
    tell: Callable[[str], None],
    network: Network | None = None,
    method: Method | None = None,
    *,
    insist: bool = False,
) -> list[str]:
    """Those of `wanted` that can run here, and can express the network; `tell` is told why the others are left out.

    Raises `BenchUnavailable` for the first of them instead, if they are to `insist` on.
    """
    names = []
    for name in wanted:
        problem = obstacle(name) or (_refusal(name, network, method) if network is not None else None)
        if problem is None:
            names.append(name)
        elif insist:
            raise BenchUnavailable(what=f"{name} cannot be measured: {problem[0]}", hint=problem[1])
        else:
            advice = f" ({problem[1]})" if problem[1] else ""
            tell(f"{name} is left out: {problem[0]}{advice}")
    return names


def _refusal(name: str, network: Network, method: Method | None) -> tuple[str, str] | None:
    if name in PEERS:
        try:
            peer(name, network, method)
        except BuildError as error:
            return error.what, error.hint
    return None


@lru_cache(maxsize=16)
def texts(
    contender: str, network: Network, name: str, dtype: str, samples: int, method: Method | None = None
) -> Mapping[str, str]:
    """The texts of a contender's program; smgen's modules are built for batches of so many samples."""
    method = method or Method()
    if contender in PEERS:
        return {".py": peer(contender, network, method)}
    options = Options(
        backend=contender,
        dtype=dtype,
        hessian=method.hessian,
        batch_size=samples,
        probes=method.probes,
        distribution=method.distribution,
    )
    texts = sources(network, build_info(network, Path(f"{name}.py"), options))
    if method.hessian == "hutchinson":
        return texts | {".py": texts[".py"] + ours(method)}
    return texts


def write(texts: Mapping[str, str], contender: str, folder: Path) -> Path:
    """Write the program's files to `folder`; the path of its Python file."""
    path = folder / f"{contender.replace('.', '_').replace(' ', '_')}.py"
    for suffix, text in texts.items():
        path.with_suffix(suffix).write_text(text, encoding="utf-8")
    return path
