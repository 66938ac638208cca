"""What smgen generates for the examples, in every mode and for every target."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from smgen.build import Options, build_info, source, sources
from smgen.network.netfile import load_network
from smgen.report.show import as_schedules
from smgen.targets import TARGETS

GENERATED = Path(__file__).resolve().parent.parent / "generated"
MODES = (Options(hessian="exact"), Options(hessian="hutchinson", probes=2))
IN_EVERY_MODE = ("mlp", "skip")
EXAMPLES = sorted(path.parent.name for path in GENERATED.glob("*/net.py"))
NUMPY_MODULES = [
    (example, f"net{mode}_numpy.py")
    for example in EXAMPLES
    for mode in ("", *(("_exact", "_hutchinson") if example in IN_EVERY_MODE else ()))
]


@cache
def generate(example: str) -> dict[str, str]:
    """File name → text of everything generated for an example."""
    net = GENERATED / example / "net.py"
    network = load_network(net)
    files: dict[str, str] = {}
    for options in (Options(), *(MODES if example in IN_EVERY_MODE else ())):
        for backend in TARGETS:
            info = build_info(network, net, replace(options, backend=backend))
            files[f"schedule{info.mode}.txt"] = as_schedules(network, options)
            standalone = TARGETS[backend].standalone if example == "ica" else ()
            files |= {
                f"{info.file}{suffix}": text
                for suffix, text in sources(network, info).items()
                if suffix == ".py" or suffix in standalone
            }
    return files


@cache
def numpy_module(example: str, name: str) -> str:
    """The text of one of `NUMPY_MODULES`, without what is generated for other targets."""
    net = GENERATED / example / "net.py"
    network = load_network(net)
    options = next((options for options in MODES if f"_{options.hessian}_" in name), Options())
    return source(network, build_info(network, net, replace(options, backend="numpy")))
