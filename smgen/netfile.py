"""Read a description file. It is Python and runs as Python, with everything that implies: only load files you trust."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from smgen.errors import NetfileError, NetworkError, SmgenError
from smgen.network import Network
from smgen.nodes import Node, recording


def load_network(path: Path) -> Network:
    """Run the file and return its `network`.

    Raises `NetfileError` if it does not exist, raises, or defines no `Network` called `network`; `NetworkError` if it
    makes nodes that do not reach the energy.
    """
    if not path.is_file():
        raise NetfileError(
            origin=str(path), what="no such file", hint="`smgen new` writes a commented description to start from"
        )
    scope: dict[str, object] = {"__name__": "__smgen__", "__file__": str(path)}
    with recording() as made:
        _execute(path, scope)
    network = scope.get("network")
    if not isinstance(network, Network):
        found = "no `network`" if "network" not in scope else f"`network` is a {type(network).__name__}"
        raise NetfileError(origin=path.name, what=found, hint="end the file with `network = sm.Network(energy=…)`")
    _check_reached(network, made)
    return network


def _execute(path: Path, scope: dict[str, object]) -> None:
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), scope)
    except SmgenError:
        raise
    except SyntaxError as error:
        raise NetfileError(
            origin=f"{path.name}:{error.lineno}", what=f"syntax error: {error.msg}", hint="a description is Python"
        ) from error
    except (Exception, SystemExit) as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = f":{own[-1].lineno}" if own else ""
        raise NetfileError(
            origin=f"{path.name}{line}",
            what=f"the description raised {type(error).__name__}: {error}",
            hint="run it with python to see the whole traceback",
        ) from error
    finally:
        sys.path.remove(folder)


def _check_reached(network: Network, made: list[Node]) -> None:
    """Every node the file makes must reach the energy: a layer that does not is most likely a slip."""
    reached = {vertex.origin for vertex in network.vertices}
    for node in made:
        if node.origin not in reached:
            raise NetworkError(
                origin=node.origin,
                what=f"{node} does not reach the energy",
                hint="use it, add it to energy=[…], or delete it",
            )
