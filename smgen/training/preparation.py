"""From a network and samples to a compiled problem: module, sources, transform, split, and advice."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from smgen.build import Options, build_info, check, source
from smgen.data.advice import advice
from smgen.data.batches import Reader
from smgen.data.images import patches
from smgen.data.sources import Source, open_sources
from smgen.data.split import Split, look, split
from smgen.data.transform import Transform, fitted
from smgen.errors import BuildError, SmgenWarning, several, shortened
from smgen.hessians import question
from smgen.loader import load_source
from smgen.network import Network
from smgen.network.netfile import load_network
from smgen.training.problem import Problem
from smgen.training.settings import Settings

Array = npt.NDArray[Any]

FUNCTIONS: Final = "usual,energy_and_score"
BATCH: Final = 512
MEMORY: Final = 1024
"""MiB that a call of the module may take. A fixed number: chunks, and so roundings, must not depend on what is free."""


class DataWarning(SmgenWarning):
    """The data have no density, or one that is hard to learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """What is done with the samples.

    whiten        none, standardise (each column, or channel, to mean 0 and variance 1), pca or zca
    without_mean  take off each sample its own mean, as of patches of photographs
    levels        the width of the steps of whole numbers or grey levels: noise that is uniform over it is added; 0 for
    none held_out      the share of the samples that is held out; by default a tenth, but at most 10,000 patch, count
    of a folder of images: the side of the patches, and how many
    """

    whiten: str = "standardise"
    without_mean: bool = False
    levels: float = 0.0
    held_out: float | None = None
    patch: int | None = None
    count: int = 100_000

    def __post_init__(self) -> None:
        if self.held_out is not None and not 0 <= self.held_out < 1:
            raise BuildError(what=f"held_out: {shortened(self.held_out)} is no share from 0 to below 1")
        if not 0 <= self.levels < np.inf:
            raise BuildError(what=f"levels: {shortened(self.levels)} is no width of at least 0")
        if self.patch is not None and self.patch < 1:
            raise BuildError(what=f"patch: {shortened(self.patch)} is no number of pixels")
        if self.count < 1:
            raise BuildError(what=f"count: {shortened(self.count)} is no number of patches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that training needs, checked. `network_text` is the text of net.py, empty for a network without one."""

    name: str
    fingerprint: str
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


def prepare(
    described: object,
    data: object,
    first: Options | None,
    options: Options,
    data_options: DataOptions,
    settings: Settings,
) -> Prepared:
    """Read, check and compile; nothing is written. Raises `SmgenError`; warns of flaws of the data with `DataWarning`.

    The module is built with the options `first`, if there are any and it runs here, else with `options`.
    """
    compiled = _compiled(described, first or options)
    if first is not None and not _runs(compiled.module):
        compiled = _compiled(described, options)
    module = compiled.module
    problem = Problem.of(module, settings, None)
    shape = _input_shape(module)
    sources = _sources(data, data_options, shape, problem)
    x = sources["x"]
    seen = look(x)
    transform = _fitted(x, seen, shape, data_options)
    found = advice(seen, transform, at_zero=problem.objective.is_curved and settings.lam == 0)
    for sentence in found:
        warnings.warn(sentence, DataWarning, stacklevel=2)
    reader = Reader(sources=sources, transform=transform, dtype=np.dtype(module.DTYPE))
    rows = x.rows - (
        min(x.rows // 10, 10_000) if data_options.held_out is None else round(data_options.held_out * x.rows)
    )
    settings = replace(settings, batch_size=settings.batch_size or max(1, min(BATCH, rows)))
    assert settings.batch_size is not None
    return Prepared(
        name=module.METADATA["network"],
        fingerprint=module.METADATA["description_sha256"],
        network_text=compiled.network_text,
        code=compiled.code,
        module_file=compiled.file,
        problem=problem,
        transform=transform,
        split=split(reader, settings.batch_size, data_options.held_out, settings.seed),
        settings=settings,
        build=compiled.facts,
        sample_shape=x.shape,
        shape=shape,
        origin=x.origin,
        rows=x.rows,
        advice=found,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A module; its text, that of net.py, its file's name and the options that make it again, where known."""

    module: ModuleType
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
        return _Compiled(module=described)
    if isinstance(described, (str, Path)):
        net = Path(described)
        network, text = load_network(net), net.read_text(encoding="utf-8")
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
    return _Compiled(module=load_source(code, info.name), code=code, network_text=text, file=info.file, facts=facts)


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


def _sources(data: object, options: DataOptions, shape: tuple[int, ...], problem: Problem) -> dict[str, Source]:
    if options.patch is not None or (
        isinstance(data, (str, Path)) and Path(data).is_dir() and Path(data).suffix != ".zarr"
    ):
        folder = Path(str(data))
        if not folder.is_dir():
            raise BuildError(origin=str(data), what="no folder of images", hint="--patch is for folders of images")
        size = options.patch or (shape[-1] if len(shape) == 3 else round(prod(shape) ** 0.5))
        sources: Mapping[str, Source] = {
            "x": patches(folder, size, shape[0] if len(shape) == 3 else None, options.count)
        }
    else:
        sources = open_sources(data)
    if "x" not in sources:
        raise BuildError(what=f"the data have no x, only {several(sorted(sources), str)}", hint='name the samples "x"')
    missing = [name for name in problem.conditions if name not in sources]
    if missing:
        raise BuildError(
            what=f"the network's conditions are not in the data: {several(missing, str)}",
            hint=f"give them beside x: an .npz file, or a dict, with x and {', '.join(missing)}, N rows each",
        )
    chosen = {name: sources[name] for name in ("x", *problem.conditions)}
    rows = {name: source.rows for name, source in chosen.items()}
    if len(set(rows.values())) > 1:
        what = f"different numbers of rows: {', '.join(f'{n} has {count}' for n, count in rows.items())}"
        raise BuildError(what=what, hint="each sample has its conditions in the same row")
    return chosen


def _fitted(x: Source, seen: Array, shape: tuple[int, ...], options: DataOptions) -> Transform:
    channels = shape[0] if len(shape) > 1 and len(x.shape) > 1 else 0
    try:
        return fitted(
            seen,
            options.whiten,
            prod(shape),
            channels=channels,
            without_mean=options.without_mean,
            levels=options.levels,
        )
    except BuildError as error:
        raise BuildError(origin=x.origin, what=error.what, hint=error.hint) from error


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
