"""generated/ is what smgen generates today, byte for byte, wherever and whenever it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from smgen.build import Options, build_info, sources
from smgen.errors import SmgenWarning
from smgen.loader import load
from smgen.network.netfile import load_network
from smgen.report.show import as_schedules
from smgen.targets import TARGETS

GENERATED = Path(__file__).resolve().parent.parent / "generated"
MODES = (Options(hessian="exact"), Options(hessian="hutchinson", probes=2))
IN_EVERY_MODE = ("mlp", "skip")
EXAMPLES = sorted(path.parent.name for path in GENERATED.glob("*/net.py"))


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


@pytest.mark.parametrize("example", EXAMPLES)
def test_golden(example: str, update_golden: bool) -> None:
    for name, text in generate(example).items():
        path = GENERATED / example / name
        if update_golden:
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{path} is stale: pytest tests/test_golden.py --update-golden"


@pytest.mark.parametrize("example", EXAMPLES)
def test_selftest_of_the_golden_modules(example: str) -> None:
    for path in (GENERATED / example).rglob("net_*numpy.py"):
        assert load(path).selftest(), path


def test_a_module_runs_without_smgen(tmp_path: Path) -> None:
    """`python module.py` exits 0 where smgen cannot be imported."""
    module = str(GENERATED / "mlp/net_numpy.py")
    code = f"import runpy, sys; sys.modules['smgen'] = None; runpy.run_path({module!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ok   lam = 0.1, layer_1.weight: off by " in done.stdout


@pytest.mark.parametrize("seed", ["1", "2", "77"])
def test_bytes_do_not_depend_on_hash_seed_or_folder(seed: str, tmp_path: Path) -> None:
    folder = tmp_path / f"elsewhere-{seed}" / "skip"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text((GENERATED / "skip/net.py").read_text(encoding="utf-8"), encoding="utf-8")
    code = "from smgen.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "build", "net.py", "--hessian", "diagonal"],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "net_numpy.py").read_bytes() == (GENERATED / "skip/net_numpy.py").read_bytes()


def test_examples_have_no_surprising_warning(tmp_path: Path) -> None:
    """Only the deep examples are inexact, and nothing is said of any nonlinearity."""
    from smgen.build import build

    inexact = set()
    for example in EXAMPLES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SmgenWarning)
            build(GENERATED / example / "net.py", options=Options(hessian="diagonal"), out=tmp_path)
        inexact |= {example for w in caught if "inexact" in str(w.message)}
        assert all("inexact" in str(w.message) for w in caught)
    assert inexact == {"mlp", "skip"}
