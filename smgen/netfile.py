"""Read a description file. It is Python and runs as Python, with everything that implies: only load files you trust."""

from __future__ import annotations

import sys
import traceback
from contextlib import redirect_stdout
from importlib.util import decode_source
from pathlib import Path
from types import CodeType

from smgen.errors import InternalError, NetfileError, NetworkError, SmgenError
from smgen.network import Network
from smgen.nodes import Node, is_own_code, recording


def load_network(path: Path) -> Network:
    """Run the file and return its `network`.

    Raises `NetfileError` if it does not exist, raises, or defines no `Network` called `network`; `NetworkError` if it
    makes nodes that do not reach the energy.
    """
    code = _compiled(path)
    scope: dict[str, object] = {"__name__": "__smgen__", "__file__": str(path)}
    with recording() as made:
        _execute(path, code, scope)
    network = scope.get("network")
    if not isinstance(network, Network):
        found = f"`network` is {network!r}, no sm.Network" if "network" in scope else "the file defines no `network`"
        others = sorted(name for name, value in scope.items() if isinstance(value, Network))
        hint = f"rename `{others[0]}` to `network`" if others else "end the file with `network = sm.Network(energy=…)`"
        raise NetfileError(origin=path.name, what=found, hint=hint)
    _check_reached(network, made)
    return network


def _compiled(path: Path) -> CodeType:
    try:
        return compile(decode_source(path.read_bytes()), str(path), "exec", dont_inherit=True)
    except FileNotFoundError:
        what, hint = "no such file", "`smgen new` writes a commented description to start from"
        raise NetfileError(origin=str(path), what=what, hint=hint) from None
    except OSError as error:
        hint = "name a file that can be read, e.g. net.py"
        raise NetfileError(origin=str(path), what=f"cannot be read: {error.strerror or error}", hint=hint) from error
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        what = f"syntax error: {error.msg if isinstance(error, SyntaxError) else error}"
        hint = "a description is a Python file in UTF-8"
        raise NetfileError(origin=f"{path.name}{line}", what=what, hint=hint) from error


def _execute(path: Path, code: CodeType, scope: dict[str, object]) -> None:
    """Run the file, with its folder to import from; what it prints goes to stderr, away from smgen's own output."""
    search = list(sys.path)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with redirect_stdout(sys.stderr):
            exec(code, scope)
    except SmgenError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [position for position, frame in enumerate(frames) if frame.filename == str(path)]
        origin = f"{path.name}:{frames[own[-1]].lineno}" if own else path.name
        if own and any(is_own_code(frame.filename) for frame in frames[own[-1] + 1 :]):
            raise InternalError(f"{origin}: smgen failed on this line: {type(error).__name__}: {error}") from error
        raise NetfileError(
            origin=origin,
            what=f"the description raised {type(error).__name__}: {error}",
            hint="run it with python to see the whole traceback",
        ) from error
    finally:
        sys.path[:] = search


def _check_reached(network: Network, made: list[Node]) -> None:
    """Every node the file makes must reach the energy: a layer that does not is most likely a slip."""
    reached, read = set(network.nodes), {source for node in made for source in node.inputs}
    for node in made:
        if node not in reached and node not in read:
            raise NetworkError(
                origin=node.origin,
                what=f"{node} does not reach the energy",
                hint="use it, add it to energy=[…], or delete it",
            )
