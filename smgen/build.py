"""The compiler: net.py → module, as one composition.

load_network    net.py   → Network
check           Network  → Verdict, warnings        (exactness, accuracy of f … f‴ in the dtype)
lower           Network  → schedules, one a function that the module needs
emit            schedules → source                   (the backend's passes, printer and template)
write           source   → file, whole or not at all
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
from smgen.errors import (
    BuildError,
    InexactWarning,
    did_you_mean,
)
from smgen.files import building, changed, differs, sealed, write
from smgen.hessians import DIAGONAL, DISTRIBUTIONS, HUTCHINSON, MODES, Method, Mode, complaint, lower, quality, question
from smgen.ir import PublicFunction, public_functions
from smgen.loader import load_source
from smgen.network import Network
from smgen.network.netfile import absolute, folder_of, load_network
from smgen.numerics.one_operand import check_nonlinearities
from smgen.render import template_fingerprint
from smgen.targets import DTYPES, TARGETS
from smgen.targets.choice import chosen_functions, listed
from smgen.targets.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user chose. Raises `BuildError` for anything not in the tables.

    Without `hessian` the mode is the diagonal recursion where it is exact; where it is not, building asks for a choice.
    `memory` is what a call may take beside its data and results, in MiB: without it, a quarter of what is free.
    `functions` are the names of those that the module has, in any order, each a text of one or of several with commas
    between them; without it, it has all.
    """

    backend: str = "numpy"
    dtype: str = "float32"
    hessian: str | None = None
    batch_size: int = 1024
    probes: int = 1
    distribution: str = "rademacher"
    memory: int | None = None
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
        if self.functions is not None:
            object.__setattr__(self, "functions", listed(chosen_functions(self.functions)))

    @property
    def public(self) -> tuple[PublicFunction, ...]:
        """The functions that users of the module call."""
        return public_functions() if self.functions is None else chosen_functions(self.functions)

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
    """The outcome: where the module is, and why it was written (nothing: it was up to date)."""

    path: Path
    changes: tuple[str, ...]
    facts: Facts


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
    if not options.mode.draws and (options.probes, options.distribution) != (1, "rademacher"):
        chosen = f"--hessian {options.hessian}" if options.hessian else "no --hessian"
        raise BuildError(
            what=f"--probes or --distribution with {chosen}", hint=f"probes are what --hessian {HUTCHINSON.name} takes"
        )
    folder = absolute(out if out is not None else folder_of(net))
    network, facts = prepared(net, options, name=name, ask=True)
    stem = name or net.stem
    if not f"{stem}_".isidentifier():
        raise BuildError(
            origin=str(net),
            what=f"a module {_quotable(stem)}_{options.backend}.py could not be imported: its name is no Python name",
            hint=f"choose another, e.g. --name {_importable(stem)}",
        )
    target = folder / f"{facts.file}.py"
    with building(folder):
        changes = ("forced",) if force else changed(target, facts)
        if changes or standalone:
            texts = sources(network, facts)
            beside = TARGETS[options.backend].standalone if standalone else ()
            stale = [end for end in beside if differs(target.with_suffix(end), texts[end])]
            for end in (*stale, *([".py"] if changes else [])):
                write(target.with_suffix(end), texts[end])
            changes = changes or tuple(f"{end} was missing or stale" for end in stale)
    return Built((out if out is not None else net.parent) / target.name, changes, facts)


def _importable(stem: str) -> str:
    """A name for a module, like the file's."""
    word = re.sub(r"\W+", "_", stem).strip("_") or "net"
    return word if word.isidentifier() else f"net_{word}"


def prepared(net: Path, options: Options, *, name: str | None = None, ask: bool = False) -> tuple[Network, Facts]:
    """The network of `net`, checked, and the facts of building it; warns and raises as `build` does.

    Without a hessian mode an inexact network is taken with the diagonal recursion, unless `ask`. Where no function
    computes δ′ the mode is of no matter.
    """
    network = load_network(net)
    facts = gather(network, net, options, name)
    if ask and options.hessian is None and facts.curved and (facts.quality.flat or not facts.quality.exact):
        what, hint = question(facts.quality)
        raise BuildError(origin=str(net), what=what, hint=hint)
    check(network, facts)
    return network, facts


def compiled(net: Path, options: Options) -> tuple[Network, ModuleType]:
    """The network of `net` and its module in memory, for checking; nothing is written."""
    network, facts = prepared(net, options)
    return network, load_source(source(network, facts), facts.name)


def source(network: Network, facts: Facts) -> str:
    """The text of the module."""
    return sources(network, facts)[".py"]


def sources(network: Network, facts: Facts) -> dict[str, str]:
    """The texts of the module's files by extension, the module's own first: lowered, printed and laid out."""
    texts = TARGETS[facts.backend].emit(facts, lower(network, facts.method, facts.functions))
    return texts | {".py": sealed(texts[".py"])}


def gather(network: Network, net: Path, options: Options, name: str | None = None) -> Facts:
    """What the module says about itself. The command names the file alone: bytes must not depend on folders."""
    template = TARGETS[options.backend].template
    if name is not None and not name.isidentifier():
        hint = "letters, digits and _, not beginning with a digit"
        raise BuildError(what=f"--name {name!r}: no Python name", hint=hint)
    folder = absolute(net).parent.name if net.stem == "net" else net.stem
    chosen = asdict(options) | {"hessian": options.method.hessian}
    if not options.mode.draws:
        del chosen["probes"], chosen["distribution"]
    chosen["name"] = name
    flags = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in chosen.items() if value is not None)
    return Facts(
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
        quality=quality(network, options.method),
        layers=tuple(v.name for v in network.vertices),
        parameters=network.parameters,
        initial=network.initial,
        units=network.input.units,
        public=options.public,
        chosen=options.functions is not None,
    )


def _formulas(network: Network) -> Iterator[str]:
    """f, f′, f″ and f‴ of every nonlinearity, on a line each."""
    for derivatives, names in network.nonlinearities.items():
        texts = [f"{mark} = {formula(d)}" for mark, d in zip(MARKS, derivatives, strict=True)]
        yield f"{', '.join(names)}: {'; '.join(texts)}"


def _quotable(text: str) -> str:
    """What may stand in a docstring and in a string: files and folders can be called anything."""
    return "".join(c if c.isprintable() and c not in '"\\' else "_" for c in text)


def check(network: Network, facts: Facts) -> None:
    """Warn of an inexact recursion and of formulas that fail in the dtype; refuse what is not real."""
    if facts.curved and (facts.quality.flat or (facts.hessian is DIAGONAL and not facts.quality.exact)):
        warnings.warn(complaint(facts.quality), InexactWarning, stacklevel=3)
    check_nonlinearities(network, facts.dtype, stacklevel=3)
