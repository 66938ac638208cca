"""The compiler: net.py → module, as one composition.

load_network    net.py    → Network
check           Network   → Verdict, warnings        (exactness, accuracy of f … f‴ in the dtype)
lower           Network   → schedules, one for each function that the module needs
emit            schedules → source                   (the backend's passes, printer and template)
write           source    → file, whole or not at all
"""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from smgen import __version__
from smgen.calculus.primitives import MARKS
from smgen.calculus.symbolic import formula
from smgen.errors import BuildError, InexactWarning, did_you_mean
from smgen.files import building, changed, differs, sealed, write
from smgen.hessians import DIAGONAL, DISTRIBUTIONS, HUTCHINSON, MODES, Method, Mode, complaint, lower, quality, question
from smgen.ir import USUAL, PublicFunction, usual_functions
from smgen.loader import load_source
from smgen.network import Network
from smgen.network.netfile import absolute, folder_of, load_network
from smgen.numerics.one_operand import check_nonlinearities
from smgen.objectives import Objective, chosen_objectives
from smgen.render import template_fingerprint
from smgen.targets import DTYPES, TARGETS
from smgen.targets.api.conflicts import check_conditions
from smgen.targets.build_info import BuildInfo, conditions_of
from smgen.targets.choice import chosen_functions, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a build. Raises `BuildError` for a value that is not in the tables.

    Without `hessian`, the mode is the diagonal recursion; building stops if the recursion is not exact. `memory` is the
    most MiB that a call may take besides its data and results, by default a quarter of the free memory.
    `objective` names the objectives of the losses, by default "hyvarinen", `functions` the module's functions, in any
    order; a text may hold several with commas between them. Without `functions`, the module has the usual ones.
    """

    backend: str = "numpy"
    dtype: str = "float32"
    hessian: str | None = None
    batch_size: int = 1024
    probes: int = 1
    distribution: str = "rademacher"
    memory: int | None = None
    objective: str | Iterable[str] | None = None
    functions: str | Iterable[str] | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("backend", self.backend, TARGETS),
            ("dtype", self.dtype, DTYPES),
            ("hessian", DIAGONAL.name if self.hessian is None else self.hessian, MODES),
            ("distribution", self.distribution, DISTRIBUTIONS),
        ):
            if value not in known:
                raise BuildError(
                    what=f"--{name} {value}: no such {name}{did_you_mean(value, known)}",
                    hint=f"one of {', '.join(known)}",
                )
        if self.batch_size < 1:
            raise BuildError(
                what=f"--batch-size {self.batch_size}: not a number of samples",
                hint="give the size of the batches you will train on; any batch can be computed, this one fastest",
            )
        if self.probes < 1:
            raise BuildError(what=f"--probes {self.probes}: not a number of probes", hint="1 or more for each sample")
        if self.memory is not None and self.memory < 1:
            raise BuildError(what=f"--memory {self.memory}: not a size in MiB", hint="1 or more, or leave it out")
        if self.objective is not None:
            names = ",".join(objective.name for objective in chosen_objectives(self.objective))
            object.__setattr__(self, "objective", names)
        if self.functions is not None:
            object.__setattr__(self, "functions", listed(chosen_functions(self.functions, self.objectives)))

    @property
    def public(self) -> tuple[PublicFunction, ...]:
        """The functions that users of the module call."""
        objectives = self.objectives
        return usual_functions(objectives) if self.functions is None else chosen_functions(self.functions, objectives)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives of its losses."""
        return USUAL if self.objective is None else chosen_objectives(self.objective)

    @property
    def mode(self) -> Mode:
        """The hessian mode."""
        return MODES[self.method.hessian]

    @property
    def method(self) -> Method:
        """How δ′ is computed."""
        return Method(self.hessian or DIAGONAL.name, self.batch_size, self.probes, self.distribution)


@dataclass(frozen=True, slots=True)
class Built:
    """The outcome: the path of the module, and why it was written; no `changes` if it was up to date."""

    path: Path
    changes: tuple[str, ...]
    info: BuildInfo


def build(
    net: Path,
    out: Path | None = None,
    options: Options | None = None,
    *,
    name: str | None = None,
    force: bool = False,
    standalone: bool = False,
) -> Built:
    """Compile `net` to a module in the folder `out`, by default that of `net`.

    The file is `<stem>_<backend>.py`, or `<stem>_<mode>_<backend>.py` for a hessian mode other than the diagonal
    recursion; `name` stands for the stem, there and in the names of C functions. `standalone` adds the C file and the
    header that C programs take. A module whose description, options, generator and template are unchanged is left alone
    unless `force`. Builds into one folder take turns. Warns with `InexactWarning` and `NumericsWarning`. Raises
    `SmgenError` before anything is written, also for an inexact network without a hessian mode.
    """
    options = options or Options()
    if standalone and not TARGETS[options.backend].standalone:
        raise BuildError(what=f"--standalone with --backend {options.backend}", hint="C is what --backend c emits")
    if not options.mode.takes_probes and (options.probes, options.distribution) != (1, "rademacher"):
        chosen = f"--hessian {options.hessian}" if options.hessian else "no --hessian"
        raise BuildError(
            what=f"--probes or --distribution with {chosen}", hint=f"probes are what --hessian {HUTCHINSON.name} takes"
        )
    if out is not None and out.suffix == ".py" and not out.exists():
        raise BuildError(what=f"--output {out}: a folder is expected", hint="--name chooses the name of the module")
    folder = absolute(out if out is not None else folder_of(net))
    network, info = prepared(net, options, name=name, ask=True)
    stem = name or net.stem
    if not f"{stem}_".isidentifier():
        raise BuildError(
            origin=str(net),
            what=f"a module {_quotable(stem)}_{options.backend}.py could not be imported: its name is no Python name",
            hint=f"choose another, e.g. --name {_importable(stem)}",
        )
    target = folder / f"{info.file}.py"
    with building(folder):
        changes = ("forced",) if force else changed(target, info)
        if changes or standalone:
            texts = sources(network, info)
            extensions = TARGETS[options.backend].standalone if standalone else ()
            stale = [end for end in extensions if differs(target.with_suffix(end), texts[end])]
            for end in (*stale, *([".py"] if changes else [])):
                write(target.with_suffix(end), texts[end])
            changes = changes or tuple(f"{end} was missing or stale" for end in stale)
    return Built((out if out is not None else net.parent) / target.name, changes, info)


def _importable(stem: str) -> str:
    """A module name that resembles the name of the file."""
    word = re.sub(r"\W+", "_", stem).strip("_") or "net"
    return word if word.isidentifier() else f"net_{word}"


def prepared(net: Path, options: Options, *, name: str | None = None, ask: bool = False) -> tuple[Network, BuildInfo]:
    """The checked network of `net` and the information for its build. Warns and raises as `build` does.

    Without a hessian mode, an inexact network gets the diagonal recursion; with `ask` it is an error. Where no function
    computes δ′, the mode does not matter.
    """
    network = load_network(net)
    info = build_info(network, net, options, name)
    if ask and options.hessian is None and info.curved and (info.quality.flat or not info.quality.exact):
        what, hint = question(info.quality)
        raise BuildError(origin=str(net), what=what, hint=hint)
    check_conditions(network, info.objectives)
    check(network, info)
    return network, info


def compiled(net: Path, options: Options) -> tuple[Network, ModuleType]:
    """The network of `net` and its module in memory. Nothing is written."""
    network, info = prepared(net, options)
    return network, load_source(source(network, info), info.name)


def source(network: Network, info: BuildInfo) -> str:
    """The text of the module."""
    return sources(network, info)[".py"]


def sources(network: Network, info: BuildInfo) -> dict[str, str]:
    """The texts of the module's files by extension, the module itself first."""
    texts = TARGETS[info.backend].emit(info, lower(network, info.method, info.functions))
    return texts | {".py": sealed(texts[".py"])}


def build_info(network: Network, net: Path, options: Options, name: str | None = None) -> BuildInfo:
    """The information about a build. Its command names no folder: the module must not depend on folders."""
    template = TARGETS[options.backend].template
    if name is not None and not name.isidentifier():
        hint = "letters, digits and _, not beginning with a digit"
        raise BuildError(what=f"--name {name!r}: no Python name", hint=hint)
    folder = absolute(net).parent.name if net.stem == "net" else net.stem
    chosen = asdict(options) | {"hessian": options.method.hessian}
    if not options.mode.takes_probes:
        del chosen["probes"], chosen["distribution"]
    chosen["name"] = name
    flags = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in chosen.items() if value is not None)
    return BuildInfo(
        name=name or _quotable(folder) or "net",
        stem=name or _quotable(net.stem),
        description=network.summary,
        formulas=tuple(_formulas(network)),
        fingerprint=network.fingerprint,
        template_fingerprint=template_fingerprint(template),
        generator=f"smgen {__version__}",
        command=f"smgen build {_quotable(shlex.quote(net.name))} {flags}",
        backend=options.backend,
        dtype=options.dtype,
        method=options.method,
        memory=options.memory,
        quality=quality(network, options.method, options.objectives),
        layers=tuple(v.name for v in network.vertices),
        parameters=network.parameters,
        initial=network.initial,
        shape=network.input.shape,
        tensors=any(len(v.shape) > 1 for v in network.varying),
        conditions=conditions_of(network),
        fixed=network.fixed,
        objectives=options.objectives,
        public=options.public,
        chosen=options.functions is not None,
    )


def _formulas(network: Network) -> Iterator[str]:
    """f, f′, f″ and f‴ of every nonlinearity, one line for each nonlinearity."""
    for derivatives, names in network.nonlinearities.items():
        texts = [f"{mark} = {formula(d)}" for mark, d in zip(MARKS, derivatives, strict=True)]
        yield f"{', '.join(names)}: {'; '.join(texts)}"


def _quotable(text: str) -> str:
    """The text without characters that would end a docstring or a string: names of files can have any."""
    return "".join(c if c.isprintable() and c not in '"\\' else "_" for c in text)


def check(network: Network, info: BuildInfo) -> None:
    """Warn of an inexact recursion and of formulas that fail in the dtype. Raises for a function that is not real."""
    if info.curved and (info.quality.flat or (info.hessian is DIAGONAL and not info.quality.exact)):
        warnings.warn(complaint(info.quality), InexactWarning, stacklevel=3)
    check_nonlinearities(network, info.dtype, stacklevel=3)
