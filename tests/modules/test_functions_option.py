"""`--functions`: a module has what was chosen, what that needs, and nothing else; it computes the same."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smgen as sm
from smgen.build import Options, build_info, sources
from smgen.errors import BuildError
from smgen.hessians import MODES, lower
from smgen.ir import LAYER_MEANS, Function, functions_for, public_functions, usual_functions
from smgen.loader import load_source
from smgen.network.netfile import load_network
from smgen.objectives import OBJECTIVES
from tests.extensions.objectives import ROBUST
from tests.modules.unused import unused_c, unused_kernels, unused_python
from tests.networks import CATALOGUE
from tests.support import assert_close, random_case
from tests.targets.cuda.emulator.emulator import Emulator
from tests.targets.cuda.fake_cupy import stand_in

NAMES = tuple(function.name for function in public_functions())
USUAL = tuple(function.name for function in usual_functions())
EVERY = ("all",)
UNCURVED = {"energy", "score", "energy_and_score", "hvp", "hessian", "score_vjp", "energy_and_grad"}
ALWAYS = {"PARAMS", "INITIAL", "METADATA", "DTYPE", "flatten", "unflatten", "init_params", "selftest", "Workspace"}
TARGETS = ("numpy", "c", "cuda")
ICA = Path(__file__).resolve().parents[2] / "generated/ica/net.py"


@lru_cache(maxsize=256)
def texts(backend: str, mode: str, chosen: tuple[str, ...] | None, name: str = "skip_and_branch") -> dict[str, str]:
    network = CATALOGUE[name]()
    options = Options(backend=backend, dtype="float64", hessian=mode, probes=2, functions=chosen)
    if mode != "hutchinson":
        options = Options(backend=backend, dtype="float64", hessian=mode, functions=chosen)
    return sources(network, build_info(network, Path("net.py"), options))


@lru_cache(maxsize=256)
def module(backend: str, mode: str, chosen: tuple[str, ...] | None, name: str = "skip_and_branch") -> ModuleType:
    return load_source(texts(backend, mode, chosen, name)[".py"], "chosen")


def results(
    module: ModuleType, name: str, mode: str, array: Any = np.asarray, back: Any = np.asarray
) -> list[tuple[Any, ...]]:
    """What a function returns, flat: numbers and arrays, at λ = 0 and λ > 0 where it takes λ."""
    params, x = random_case(CATALOGUE["skip_and_branch"](), samples=5)
    probes = np.random.default_rng(1).choice([-1.0, 1.0], (5, 2, x.shape[1]))
    given = {"probes": array(probes)} if mode == "hutchinson" and name not in UNCURVED else {}
    vectors = (array(np.ones_like(x)),) if name in ("hvp", "score_vjp") else ()
    there = {key: array(value) for key, value in params.items()}
    lams: tuple[tuple[float, ...], ...] = ((0.0,), (0.3,)) if "loss" in name else ((),)
    function = getattr(module, name)
    return [tuple(map(back, flat(function(there, array(x), *vectors, *lam, **given)))) for lam in lams]


def flat(found: Any) -> list[Any]:
    parts = found if isinstance(found, tuple) else (found,)
    return [value for part in parts for value in (part.values() if isinstance(part, dict) else [part])]


def assert_same(ours: ModuleType, full: ModuleType, chosen: tuple[str, ...], mode: str) -> None:
    for name in chosen:
        for mine, theirs in zip(results(ours, name, mode), results(full, name, mode), strict=True):
            for a, b in zip(mine, theirs, strict=True):
                assert_close(a, b, 1e-13, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_alone_each_function_is_what_it_is_among_all(mode: str, name: str) -> None:
    ours = module("numpy", mode, (name,))
    assert_same(ours, module("numpy", mode, EVERY), (name,), mode)
    assert [other for other in NAMES if hasattr(ours, other)] == [name]
    assert all(hasattr(ours, always) for always in ALWAYS)
    assert hasattr(ours, "draw_probes") == (mode == "hutchinson" and name not in UNCURVED)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5), st.sampled_from(sorted(MODES)), st.randoms())
def test_any_choice_in_any_order(chosen: list[str], mode: str, rng: Any) -> None:
    shuffled = rng.sample(chosen, len(chosen))
    text = texts("numpy", mode, tuple(chosen))[".py"]
    assert texts("numpy", mode, tuple(shuffled))[".py"] == text
    assert texts("numpy", mode, (",".join(shuffled), chosen[0]))[".py"] == text
    assert not unused_python(text)
    wanted = tuple(name for name in NAMES if name in chosen)
    assert f" --functions {','.join(wanted)}\n" in text
    ours = module("numpy", mode, tuple(chosen))
    assert ours.METADATA["functions"] == ",".join(wanted)
    assert tuple(name for name in NAMES if hasattr(ours, name)) == wanted
    assert_same(ours, module("numpy", mode, EVERY), wanted, mode)


@pytest.mark.parametrize("backend", TARGETS)
@pytest.mark.parametrize("words", [USUAL, ("usual",), ("score,usual",)])
def test_the_usual_functions_by_name_make_the_module_of_no_choice(backend: str, words: tuple[str, ...]) -> None:
    """But for its command and METADATA."""
    every, default = (texts(backend, "diagonal", chosen)[".py"] for chosen in (words, None))
    choice = ",".join(USUAL)
    assert every.count(choice) == 2 + (backend == "c")
    every = (
        every.replace(f" --functions {choice}\n", "\n")
        .replace(f'    "functions": "{choice}",\n', "")
        .replace("…,", "usual,")
    )
    without_sums = [re.sub("[0-9a-f]{64}|pair_[0-9a-f]{16}", "", text) for text in (every, default)]
    assert without_sums[0] == without_sums[1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", TARGETS)
def test_nothing_is_left_that_nothing_uses(tmp_path: Path, backend: str, mode: str) -> None:
    """By the syntax tree, and by ruff: of what it finds in the whole module nothing is meant."""
    for chosen in (*((name,) for name in NAMES), ("energy", "score"), ("loss", "loss_and_grad"), None, EVERY):
        found = texts(backend, mode, chosen)
        (tmp_path / f"{'_'.join(chosen or ('whole',))}.py").write_text(found[".py"], encoding="utf-8")
        assert not unused_python(found[".py"]), chosen
        assert backend != "cuda" or not unused_kernels(found[".py"]), chosen
        assert backend != "c" or not unused_c(found[".c"]), chosen
    rules = "F401,F811,F822,F823,F402,F632"
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--quiet", "--select", rules, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named ruff" in linted.stderr:
        pytest.skip("ruff is not installed")
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_search_for_unused_things_finds_them() -> None:
    assert unused_python("import os, sys\nprint(sys)\n\ndef _f():\n    _f()\n\n_X = 1\ndef g(): pass\n") == {
        "os",
        "_f",
        "_X",
    }
    assert unused_c("static void a(int x)\n{\n    b(x);\n}\nLOOP b(int x)\n") == {"a"}
    text = 'SOURCE = r"""\nextern "C" __global__ void a()\nextern "C" __global__ void vec4_b()\n"""\n_kernel("b")\n'
    assert unused_kernels(text) == {"a"}


@pytest.mark.parametrize("chosen", [("score",), ("hessian_diagonal", "loss_terms", "loss_and_grad")])
def test_c_computes_the_same(chosen: tuple[str, ...]) -> None:
    assert_same(module("c", "hutchinson", chosen), module("numpy", "hutchinson", None), chosen, "hutchinson")


@pytest.mark.parametrize(("mode", "chosen"), [("exact", ("score",)), ("diagonal", ("loss_and_grad",))])
def test_cuda_computes_the_same(mode: str, chosen: tuple[str, ...]) -> None:
    with stand_in.install(Emulator) as cupy:
        ours = load_source(texts("cuda", mode, chosen)[".py"], "cuda")
        for name in chosen:
            found = results(ours, name, mode, cupy.asarray, cupy.asnumpy)
            for mine, theirs in zip(found, results(module("numpy", mode, None), name, mode), strict=True):
                for a, b in zip(mine, theirs, strict=True):
                    assert_close(a, b, 1e-12, name)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_wanted_is_not_lowered(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Not even for the cost model, which decides about second derivatives."""
    lowered: list[Function] = []

    def noting(original: Any) -> Any:
        def schedule(network: Any, function: Function, *rest: Any) -> Any:
            lowered.append(function)
            return original(network, function, *rest)

        return schedule

    for place in ("hessians.diagonal", "hessians.hutchinson", "hessians.segments", "lower.functions"):
        monkeypatch.setattr(f"smgen.{place}.schedule", noting(vars(sys.modules[f"smgen.{place}"])["schedule"]))
    h = sm.softplus(sm.linear(sm.input(3), 7))  # a network that no other test has lowered
    network = sm.Network(energy=sm.softplus(sm.linear(h, 5)))
    method = Options(hessian=mode, functions="score").method
    wanted = functions_for(Options(functions="score").public)
    assert [schedule.function for schedule in lower(network, method, wanted)] == list(wanted)
    assert set(lowered) == {*Options(functions="score").public[0].runs, LAYER_MEANS}


@pytest.mark.parametrize("backend", TARGETS)
def test_a_part_is_smaller_than_the_whole(backend: str) -> None:
    sizes = [len(texts(backend, "exact", chosen)[".py"]) for chosen in (("score",), ("loss_and_grad",), None)]
    assert 2 * sizes[0] < sizes[2]
    assert sizes[0] < sizes[1] < sizes[2]


def test_the_size_that_the_readme_quotes() -> None:
    network = load_network(ICA)
    lines = [
        len(sources(network, build_info(network, ICA, Options(functions=chosen)))[".py"].splitlines())
        for chosen in (None, "score", "loss_and_grad")
    ]
    readme = " ".join((Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8").split())
    assert "--functions score,loss_and_grad" in readme
    rounded = [f"{round(count, -2):,}" for count in lines]
    assert "{} lines of NumPy; the score alone takes {}, `loss_and_grad` {}".format(*rounded) in readme


@pytest.mark.parametrize(
    ("choice", "what", "meant"),
    [("scores", "scores", "score"), ("score,los", "los", "loss"),
     (["energy", "loss_and_gard"], "loss_and_gard", "loss_and_grad"), ([1], "1", None),
     ("flatten", "flatten", None), ("robust_loss", "robust_loss", None), ("SCORE", "SCORE", None)],
)  # fmt: skip
def test_wrong_names(choice: Any, what: str, meant: str | None) -> None:
    with pytest.raises(BuildError) as error:
        Options(functions=choice)
    advice = f" (did you mean '{meant}'?)" if meant else ""
    assert str(error.value).startswith(f"--functions {what}: no such function{advice}")
    assert str(error.value).endswith(f"\n  hint: one or several of {', '.join(NAMES)}, usual or all")


@pytest.mark.parametrize("choice", ["", ",", [], [""], " , "])
def test_no_name(choice: Any) -> None:
    with pytest.raises(BuildError, match=r"^--functions: none is named\n  hint: one or several of energy, score"):
        Options(functions=choice)


def test_an_objective_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OBJECTIVES, ROBUST.name, ROBUST)
    network = CATALOGUE["ica"]()
    params, x = random_case(network)
    found = {}
    for chosen in (None, "robust_loss,robust_loss_and_grad,loss_terms"):
        options = Options(dtype="float64", objective="hyvarinen,robust", functions=chosen)
        text = sources(network, build_info(network, Path("net.py"), options))[".py"]
        found[chosen] = load_source(text, "robust")
        assert chosen is None or not unused_python(text)
    full, ours = found.values()
    assert not hasattr(ours, "loss")
    assert not hasattr(ours, "robust_loss_terms")
    assert ours.METADATA["functions"] == "loss_terms,robust_loss,robust_loss_and_grad"
    assert ours.robust_loss_and_grad(params, x, 0.3)[0] == full.robust_loss_and_grad(params, x, 0.3)[0]
    assert ours.loss_terms(params, x, 0.3) == full.loss_terms(params, x, 0.3)
    assert ours.selftest()
    assert "Not checked: loss_terms (there is no loss_and_grad)." in ours.selftest.__doc__


def test_the_options_of_python(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text("import smgen as sm\nnetwork = sm.Network(energy=sm.logcosh(sm.linear(sm.input(2), 3)))\n")
    from smgen.build import build

    path = build(net, options=Options(functions=("loss", "score"))).path
    assert sm.load(path).METADATA["functions"] == "score,loss"
    assert Options(functions=("loss", "score")) == Options(functions="score,loss,score")


def test_a_module_without_delta_prime_says_nothing_of_it() -> None:
    network = CATALOGUE["deep"]()
    info = build_info(network, Path("net.py"), Options(functions="energy,score"))
    module = load_source(sources(network, info)[".py"], "chosen")
    assert module.METADATA["exact"] is True
    assert module.METADATA["reason"] == "no function computes δ′"
    assert "No function here computes δ′." in (module.__doc__ or "")
    assert "recursion" not in (module.__doc__ or "")


def test_a_function_of_another_objective() -> None:
    with pytest.raises(
        BuildError, match="this function is of another objective\n  hint: add --objective hyvarinen,denoi"
    ):
        Options(functions="denoising_loss")
    assert Options(functions="denoising_loss", objective="denoising").functions == "denoising_loss"


def test_what_was_left_out_is_said() -> None:
    ours = module("numpy", "diagonal", ("score",))
    with pytest.raises(
        AttributeError, match=r"laplacian: this module was built without it; --functions …,laplacian would"
    ):
        _ = ours.laplacian
    with pytest.raises(AttributeError, match="denoising_loss: this module was built without it; --objective"):
        _ = ours.denoising_loss
    assert not hasattr(ours, "nonsense")
