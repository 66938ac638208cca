"""Read a description file. It is Python and runs as Python, with everything that implies: only load files you trust."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from smgen.errors import InternalError, NetfileError, NetworkError, SmgenError, shortened
from smgen.layers.nodes import Node, recording
from smgen.network.graph import Network
from smgen.origins import is_own_code

MODULE: Final = "__smgen__"
"""The name of a description while it runs, as `__name__` and in `sys.modules`."""
LONGEST: Final = 1 << 26
"""The largest size of a description, in bytes."""


def load_network(path: Path) -> Network:
    """Run the file and return its `network`.

    Raises `NetfileError` if it does not exist, raises, or defines no `Network` called `network`; `NetworkError` if it
    makes nodes that do not reach the energy.
    """
    code = _compiled(path)
    module = ModuleType(MODULE)
    module.__file__ = str(path)
    with recording() as made, _surroundings(path, module):
        _execute(path, code, module)
    scope = vars(module)
    network = scope.get("network")
    if not isinstance(network, Network):
        missing = "the file defines no `network`"
        what = f"`network` is {shortened(network)}, no sm.Network" if "network" in scope else missing
        others = sorted(name for name, value in scope.items() if isinstance(value, Network))
        hint = f"rename `{others[0]}` to `network`" if others else "end the file with `network = sm.Network(energy=…)`"
        raise NetfileError(origin=path.name, what=what, hint=hint)
    _check_reached(network, made)
    return network


def folder_of(path: Path) -> Path:
    """The folder of a description, into which its module is written. Raises `NetfileError` for a pipe or a device."""
    with suppress(OSError):
        odd = path.exists() and not path.is_file() and not path.is_dir()
        if odd or absolute(path).parts[1:2] in (("dev",), ("proc",)):
            raise NetfileError(
                origin=shortened(path, str), what="has no folder to write the module to", hint="name one with -o"
            )
    return path.parent


def absolute(path: Path) -> Path:
    """The whole path. Raises `NetfileError` for a relative one where the working folder has been deleted."""
    try:
        return path.absolute()
    except OSError as error:
        what, hint = "the folder that you are in has been deleted", "change to one that exists, or name whole paths"
        raise NetfileError(origin=shortened(path, str), what=what, hint=hint) from error


def _content(path: Path) -> bytes:
    """The bytes of a description. Raises `OSError` for too many: some devices never end."""
    with path.open("rb") as file:
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise OSError(f"it has more than {LONGEST >> 20} MiB")
    return content


def _compiled(path: Path) -> CodeType:
    try:
        return compile(decode_source(_content(path)), str(path), "exec", dont_inherit=True)
    except FileNotFoundError:
        what, hint = "no such file", "`smgen new` writes a commented description to start from"
        raise NetfileError(origin=shortened(path, str), what=what, hint=hint) from None
    except OSError as error:
        hint = "name a file that can be read, e.g. net.py"
        raise NetfileError(
            origin=shortened(path, str), what=f"cannot be read: {error.strerror or error}", hint=hint
        ) from error
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        what = f"syntax error: {shortened(error.msg if isinstance(error, SyntaxError) else error, str)}"
        hint = "a description is a Python file in UTF-8"
        raise NetfileError(origin=f"{path.name}{line}", what=what, hint=hint) from error
    except (RecursionError, MemoryError) as error:
        what, hint = "an expression is nested too deeply for Python", "give its parts names, or build it in a loop"
        raise NetfileError(origin=path.name, what=what, hint=hint) from error


@contextmanager
def _surroundings(path: Path, module: ModuleType) -> Iterator[None]:
    """The environment that a Python file expects while it runs, restored afterwards whatever the file does.

    The file can import from its folder, and is in `sys.modules`, where dataclasses look it up. Its output goes to
    stderr, apart from smgen's own. If it changes the working folder, that is undone.
    """
    search, before = list(sys.path), sys.modules.get(MODULE)
    try:
        folder = str(Path.cwd())
    except OSError:
        folder = ""  # the working folder has been deleted
    sys.path.insert(0, str(path.resolve().parent if folder else path.parent))
    sys.modules[MODULE] = module
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = search
        sys.modules.pop(MODULE, None)
        if before is not None:
            sys.modules[MODULE] = before
        if folder:
            with suppress(OSError):
                os.chdir(folder)


def _execute(path: Path, code: CodeType, module: ModuleType) -> None:
    """Run the file. Any exception except an interrupt becomes an error of the file, or of smgen."""
    try:
        exec(code, vars(module))
    except (SmgenError, KeyboardInterrupt):
        raise
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [position for position, frame in enumerate(frames) if frame.filename == str(path)]
        origin = f"{path.name}:{frames[own[-1]].lineno}" if own else path.name
        told = f"{type(error).__name__}: {shortened(error, str)}"
        ours = own and any(is_own_code(frame.filename) for frame in frames[own[-1] + 1 :])
        if ours and isinstance(error, Exception) and not isinstance(error, RecursionError):
            raise InternalError(f"{origin}: smgen failed on this line: {told}") from error
        raise NetfileError(
            origin=origin,
            what=f"the description raised {told}",
            hint="run it with python to see the whole traceback",
        ) from error


def _check_reached(network: Network, made: list[Node]) -> None:
    """Every node the file makes must reach the energy: a layer that does not is most likely a slip."""
    reached, read = set(network.nodes), {source for node in made for source in node.operands}
    for node in made:
        if node not in reached and node not in read:
            raise NetworkError(
                origin=node.origin,
                what=f"{node} does not reach the energy",
                hint="use it, add it to energy=[…], or delete it",
            )
