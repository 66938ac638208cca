"""From a network and samples to a compiled problem: module, sources, transform, split, and advice."""

from __future__ import annotations

import hashlib
import os
import tokenize
import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.build import Options, build_info, check, source
from smgen.data.advice import advice
from smgen.data.batches import Reader
from smgen.data.split import Split, held_out_of, look, split
from smgen.data.transform import Transform
from smgen.errors import BuildError, SmgenWarning, shortened
from smgen.hessians import question
from smgen.loader import load_source
from smgen.network import Network
from smgen.network.netfile import load_network
from smgen.training.problem import Problem
from smgen.training.samples import DataOptions, DataWarning, fitted_transform, named_sources
from smgen.training.settings import Settings
from smgen.training.team import Team

Array = npt.NDArray[Any]

_OF_MODULE: Final = ("backend", "dtype", "hessian", "batch_size", "probes", "distribution", "objective", "functions")
FUNCTIONS: Final = "usual,energy_and_score"
BATCH: Final = 512
MEMORY: Final = 1024
"""MiB that a call of the module may take. A fixed number: chunks, and so roundings, must not depend on what is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that training needs, checked. `network_text` is the text of net.py, empty for a network without one.

    `network` is None where a generated module is trained.
    """

    name: str
    fingerprint: str
    network: Network | None
    network_text: str
    code: str
    module_file: str
    problem: Problem
    transform: Transform
    split: Split
    settings: Settings
    build: dict[str, Any]
    sample_shape: tuple[int, ...]
    shape: tuple[int, ...]
    origin: str
    rows: int
    advice: tuple[str, ...]
    digest: str


def prepare(
    described: object,
    data: object,
    first: Options | None,
    options: Options,
    data_options: DataOptions,
    settings: Settings,
    objective: str | None,
    team: Team,
) -> Prepared:
    """Read, check and compile; nothing is written. Raises `SmgenError`; warns of flaws of the data with `DataWarning`.

    The module is built with the options `first`, if there are any and it runs here, else with `options`; it is trained
    for `objective`, by default the first that it has.
    """
    with warnings.catch_warnings():
        if team.rank:  # the first process says it
            warnings.simplefilter("ignore", SmgenWarning)
        compiled = _compiled(described, first or options)
        if first is not None and not _runs(compiled.module):
            compiled = _compiled(described, options)
    module = compiled.module
    problem = Problem.of(module, settings, objective)
    shape = _input_shape(module)
    sources = named_sources(data, data_options, shape, problem)
    x = sources["x"]
    seen = look(x)
    transform = fitted_transform(x, seen, shape, data_options, problem)
    found = advice(seen, transform, curved=problem.objective.is_curved, lam=settings.lam)
    for sentence in found if not team.rank else ():
        warnings.warn(sentence, DataWarning, stacklevel=2)
    reader = Reader(sources=sources, transform=transform, dtype=np.dtype(module.DTYPE))
    rows = x.rows - held_out_of(x.rows, data_options.held_out)
    settings = replace(settings, batch_size=settings.batch_size or max(1, min(BATCH, rows // team.size)))
    assert settings.batch_size is not None
    return Prepared(
        name=module.METADATA["network"],
        fingerprint=module.METADATA["description_sha256"],
        network=compiled.network,
        network_text=compiled.network_text,
        code=compiled.code,
        module_file=compiled.file,
        problem=replace(problem, team=team),
        transform=transform,
        split=split(reader, settings.batch_size, data_options.held_out, settings.seed, (team.rank, team.size)),
        settings=settings,
        build=compiled.facts,
        sample_shape=x.shape,
        shape=shape,
        origin=x.origin,
        rows=x.rows,
        advice=found,
        digest=_digest(seen, transform, data_options),
    )


def _digest(seen: Array, transform: Transform, options: DataOptions) -> str:
    """What tells these samples, and what is done with them, from others."""
    digest = hashlib.sha256(repr(options).encode())
    for array in (seen[:20_000], transform.mean, transform.scale, transform.matrix):
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A module; its text, that of net.py, its file's name and the options that make it again, where known."""

    module: ModuleType
    network: Network | None = None
    code: str = ""
    network_text: str = ""
    file: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def _compiled(described: object, options: Options) -> _Compiled:
    """The module of a path, of a network, or the module itself."""
    if isinstance(described, ModuleType):
        if not hasattr(described, "METADATA"):
            raise BuildError(
                what=f"{described.__name__}: not a module that smgen generated", hint="smgen build writes one"
            )
        facts = {name: described.METADATA[name] for name in _OF_MODULE if name in described.METADATA}
        if "memory_mib" in described.METADATA:
            facts["memory"] = described.METADATA["memory_mib"]
        return _Compiled(module=described, facts=facts)
    if isinstance(described, (str, Path)):
        net = Path(described)
        network = load_network(net)
        with tokenize.open(net) as file:
            text = file.read()
    elif isinstance(described, Network):
        net, network, text = Path("net.py"), described, ""
    else:
        what = f"network: {shortened(described)} is no path of a net.py, no sm.Network and no generated module"
        raise BuildError(what=what)
    info = build_info(network, net, options)
    if options.hessian is None and info.curved and (info.quality.flat or not info.quality.exact):
        what, hint = question(info.quality)
        raise BuildError(origin=str(net), what=what, hint=hint)
    check(network, info)
    code = source(network, info)
    facts = {name: value for name, value in asdict(options).items() if value is not None}
    return _Compiled(
        module=load_source(code, info.name), network=network, code=code, network_text=text, file=info.file, facts=facts
    )


def _runs(module: ModuleType) -> bool:
    """Whether the module can run here: a C module needs a compiler and a BLAS."""
    try:
        module.energy(module.init_params(0), np.zeros((1, *_input_shape(module)), module.DTYPE))
    except (ImportError, OSError, RuntimeError):
        return False
    except (TypeError, ValueError):  # it asks for conditions: so far it runs
        return True
    return True


def _input_shape(module: ModuleType) -> tuple[int, ...]:
    """The shape of a sample as the module takes it."""
    shape: tuple[int, ...] = module.METADATA["input"]
    return shape


def machine() -> dict[str, Any]:
    """What this process runs on, for the record."""
    import platform

    from smgen import __version__

    return {
        "smgen": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
    }
