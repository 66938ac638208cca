"""The self-test of a module of chosen functions: checks what can be compared, says what cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smgen.build import Options, build_info, source
from smgen.loader import load_source
from smgen.network import Network
from tests.modules.test_selftest import NETS
from tests.networks import CATALOGUE
from tests.targets.cuda.emulator.emulator import Emulator
from tests.targets.cuda.fake_cupy import stand_in

CHOICES = (
    "energy,score", "loss_and_grad", "loss,loss_and_grad", "loss_terms,loss_and_grad", "loss_and_grad_terms",
    "loss_terms,loss_and_grad_terms",
)  # fmt: skip
NOTHING = ("energy", "score", "hessian_diagonal", "loss", "loss_terms", "energy,loss,hessian_diagonal")


def text_of(
    choice: str, network: Network, dtype: str = "float32", mode: str = "diagonal", backend: str = "numpy"
) -> str:
    probes = 2 if mode == "hutchinson" else 1
    options = Options(backend=backend, dtype=dtype, hessian=mode, probes=probes, functions=choice)
    return source(network, build_info(network, Path("net.py"), options))


def module(choice: str, name: str, dtype: str = "float32", mode: str = "diagonal") -> ModuleType:
    return load_source(text_of(choice, (NETS | CATALOGUE)[name](), dtype, mode), "chosen")


@pytest.mark.parametrize("choice", CHOICES)
def test_right_modules_pass_for_every_seed(choice: str) -> None:
    for name in NETS:
        built = module(choice, name)
        assert [seed for seed in range(6) if not built.selftest(seed)] == [], name


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_passes(name: str, mode: str) -> None:
    """In both dtypes with the recursion; with the other modes in one of them, every second network in the other."""
    position = list(CATALOGUE).index(name)
    dtypes = ("float32", "float64") if mode == "diagonal" else (("float32", "float64")[position % 2],)
    for choice in CHOICES:
        for dtype in dtypes:
            built = module(choice, name, dtype, mode)
            if built.PARAMS or choice == "energy,score":
                assert built.selftest(1), (choice, dtype)


def spoiled(found: Any, k: int) -> Any:
    """A result with an error of a thousandth of the largest entry in one entry of its last derivative."""
    if isinstance(found, tuple):
        if not isinstance(found[-1], dict):  # the derivative by x, which comes last
            return (*spoiled(found[:-1], k), found[-1])
        *first, gradient = found
        key = next(reversed(gradient))
        return (*first, {**gradient, key: spoiled(gradient[key], k)})
    wrong = found.copy()
    wrong.reshape(-1)[k % wrong.size] += 1e-3 * np.abs(wrong).max()
    return wrong


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("choice", CHOICES)
def test_an_error_of_a_thousandth_fails(choice: str, dtype: str) -> None:
    """In the derivative; and a value that is wrong by a hundredth."""
    value, name = (choice.split(",") * 2)[:2]
    for seed in range(3):
        built = module(choice, "logcosh 3-4", dtype)
        right = getattr(built, name)
        setattr(built, name, lambda *a, right=right, seed=seed, **k: spoiled(right(*a, **k), seed))
        assert not built.selftest(seed), seed
        setattr(built, name, right)
        assert built.selftest(seed)
        if value != name:
            before = getattr(built, value)
            setattr(built, value, lambda *a, f=before, **k: _scaled(f(*a, **k)))
            assert not built.selftest(seed), seed


def _scaled(found: Any) -> Any:
    return tuple(1.01 * part for part in found) if isinstance(found, tuple) else 1.01 * found


@pytest.mark.parametrize("choice", NOTHING)
def test_what_cannot_be_checked_does_not_pass(choice: str) -> None:
    built = module(choice, "ica")
    with pytest.raises(RuntimeError, match=r"^nothing to check: .*`smgen check` compares all functions"):
        built.selftest()
    done = subprocess.run([sys.executable, "-c", text_of(choice, CATALOGUE["ica"]())], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("nothing to check: ")
    assert len(done.stderr.splitlines()) == 1
    for name in choice.split(","):
        assert f"{name} (" in (built.selftest.__doc__ or "")


def test_without_parameters_there_is_no_gradient_to_check() -> None:
    with pytest.raises(RuntimeError, match="there are no parameters"):
        module("loss,loss_terms", "energy_of_input").selftest()
    assert module("loss,loss_and_grad", "energy_of_input").selftest()  # by x
    assert module("energy,score", "energy_of_input").selftest()


def test_what_is_not_checked_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    built = module("energy,score,hessian_diagonal,loss,loss_and_grad_terms", "ica")
    doc = built.selftest.__doc__ or ""
    assert "Not checked: hessian_diagonal (smgen check does), loss (there is no loss_and_grad)." in doc
    assert "Checked: score (against energy), K of loss_and_grad_terms (against its own terms)," in doc
    assert built.selftest(verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok   score (against energy): off by ")
    assert [line for line in lines if not line.startswith("ok   ")] == [
        "not checked: hessian_diagonal (smgen check does)",
        "not checked: loss (there is no loss_and_grad)",
    ]
    assert len(lines) == 1 + 2 * 2 + 2
    with pytest.raises(ValueError, match="verbose: expected True or False"):
        built.selftest(verbose="yes")


def test_on_the_gpu() -> None:
    network = CATALOGUE["ica"]()
    with stand_in.install(Emulator):
        text = text_of("energy,score", network, "float64", backend="cuda")
        assert load_source(text, "cuda").selftest()
