"""Every command, every backend and every kind of module once, in whatever environment runs this file.

    smoke.py FOLDER [BACKEND …]

Prints what failed, a line each, and ends with status 1 if anything did. Each command and each use of a module has a
process of its own; those of the command line are forks of one that has imported what smgen needs, and nothing of smgen.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

NET = """import sympy

import smgen as sm

x = sm.input(5)
h = sm.pointwise(sm.linear(x, 6, name="mix"), lambda g: sympy.log(1 + sympy.exp(g)))
network = sm.Network(energy=[sm.logcosh(sm.linear(h, 4, name="filters")), sm.square(x)])
"""
ICA = """import smgen as sm

network = sm.Network(energy=sm.logcosh(sm.linear(sm.input(5), 8)))
"""
USE = """
import sys, warnings
warnings.simplefilter("error")
sys.path.insert(0, ".")
import numpy as np
import {name} as net
x = np.random.default_rng(0).standard_normal((300, 5)).astype(net.DTYPE)
theta = net.flatten(net.init_params())
for lam in (0.0, 0.1):
    J, gradient = net.loss_and_grad(net.unflatten(theta), x, lam{given})
    K, L = net.loss_terms(net.unflatten(theta), x, lam{given})
    assert abs(J - K - L) < 1e-4 * (abs(K) + abs(L)), (J, K, L)
    assert np.isfinite(net.flatten(gradient)).all()
assert net.energy(net.unflatten(theta), x).shape == (300,)
assert net.score(net.unflatten(theta), x).shape == (300, 5)
"""
COMMANDS = """
--version
--help
build --help
check --help
show --help
bench --help
new --help
demo --help
new fresh.py
show fresh.py
build ica.py
build ica.py --dtype float64 --force
build net.py --hessian diagonal
build net.py --hessian exact
build net.py --hessian hutchinson --probes 2
build net.py --hessian exact --backend cuda
check ica.py
check net.py --hessian exact
show ica.py
show net.py --json
show net.py --schedule
bench ica.py --backend numpy --against literal --rounds 1 --seconds 0.01
"""
IN_C = """
build ica.py --backend c --standalone
build net.py --backend c --hessian exact
build net.py --backend c --hessian hutchinson --probes 2
check ica.py --backend c
bench ica.py --backend c --against literal --rounds 1 --seconds 0.01
"""
MODULES = {
    "numpy": ("ica_numpy", "net_numpy", "net_exact_numpy", "net_hutchinson_numpy"),
    "c": ("ica_c", "net_exact_c", "net_hutchinson_c"),
}


def failures(folder: Path, backends: list[str]) -> list[str]:
    """What does not work."""
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "ica.py").write_text(ICA, encoding="utf-8")
    lines = (COMMANDS + (IN_C if "c" in backends else "")).split("\n")
    os.environ |= {"CFLAGS": "-O0", "SMGEN_CACHE": str(folder / "cache")}
    found = []
    for line in filter(None, lines):
        first = line == "--version"
        status, said = (started if first else forked)(["-m", "smgen", *line.split()], folder)
        if status or "Traceback" in said:
            found.append(f"{line}: {said.strip()[-600:]}")
    for name in (name for backend in backends for name in MODULES[backend]):
        given = ", rng=0" if "hutchinson" in name else ""
        status, said = started(["-c", USE.format(name=name, given=given)], folder)
        if status or "Traceback" in said:
            found.append(f"{name}: {said.strip()[-600:]}")
    return found


def started(arguments: list[str], folder: Path) -> tuple[int, str]:
    """The status of an interpreter of its own, and what it said."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr or done.stdout


def forked(arguments: list[str], folder: Path) -> tuple[int, str]:
    """The same for `-m MODULE …` in a fork of this process, which has imported what takes long."""
    import jinja2  # noqa: F401
    import numpy  # noqa: F401
    import rich.console  # noqa: F401
    import sympy  # noqa: F401
    import typer  # noqa: F401

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            status = 1
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.chdir(folder)
                _, module, *sys.argv[1:] = arguments
                runpy.run_module(module, run_name="__main__", alter_sys=True)
                status = 0
            except SystemExit as end:
                status = int(end.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = [(file.seek(0), file.read().decode())[1] for file in (err, out)]
    return status, said[0] or said[1]


if __name__ == "__main__":
    failed = failures(Path(sys.argv[1]), sys.argv[2:] or ["numpy", "c"])
    print("\n".join(failed) or "all commands and modules work")
    sys.exit(bool(failed))
