"""What modules are timed against computes the same loss: the literal equations, JAX and PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import smgen as sm
from benchmarks import exact_trace
from smgen.bench import contenders
from smgen.bench.functions import JAX, NUMPY, TORCH, nonlinearity
from smgen.bench.peers import peer
from smgen.bench.processes import environment
from smgen.bench.rounds import Case, data_of, measure_programs
from smgen.calculus.derivatives import differentiate
from smgen.calculus.primitives import G, known, references
from smgen.errors import BuildError
from smgen.loader import load_source
from smgen.network import Network
from tests.networks import CATALOGUE, ica
from tests.support import assert_close, module_of

LAMS = (0.0, 0.3)
CHAINS = ("ica", "raw_log1p", "cubic", "linear_energy", "shared_weights", "two_linears", "relu_net",
          "pointwise_chain", "deep", "deep_linear_top")  # fmt: skip
GRAPHS = ("ica", "skip_and_branch", "concatenated", "shared_weights", "doubled", "scale_between", "wide_variety",
          "relu_net", "deep", "made_weights")  # fmt: skip
NETS: dict[str, Any] = {name: CATALOGUE[name] for name in (*CHAINS, *GRAPHS[:-1])}


def made_weights() -> Network:
    """Weights and gains that are functions of parameters."""
    h = sm.softplus(sm.linear(sm.input(3), 4) * sm.softplus(sm.parameter(4)))
    weights = sm.exp(sm.parameter((2, 4)) * sm.parameter(1))
    return Network(energy=sm.logcosh(sm.linear(h, 2, weights=weights)))


NETS["made_weights"] = made_weights

DRIVER = """
import sys
from pathlib import Path
import numpy as np
from smgen.bench.worker import step_of
for program in sorted(Path(sys.argv[1]).glob("*.py")):
    with np.load(program.with_suffix(".npz")) as given:
        params = {key: given[key] for key in given.files if key != "x"}
        x = given["x"]
    for lam in sys.argv[2:]:
        J, gradient = step_of(str(program), params, x, float(lam))()
        found = {key: np.asarray(value) for key, value in gradient.items()}
        np.savez(program.with_name(f"{program.stem}-{lam}.npz"), J=np.float64(J), **found)
"""


def data(network: Network, dtype: str = "float64") -> tuple[dict[str, Any], Any]:
    found = data_of(network, Case("net", 5, dtype, 0.0))
    return found, found.pop("x")


def assert_same(network: Network, lam: float, J: Any, gradient: Mapping[str, Any]) -> None:
    params, x = data(network)
    expected, expected_gradient = module_of(network).loss_and_grad(params, x, lam)
    assert_close(float(J), expected, 1e-10, "J")
    assert set(gradient) == set(expected_gradient)
    for key, value in expected_gradient.items():
        assert_close(gradient[key], value, 1e-10, key)


@pytest.mark.parametrize("name", CHAINS)
def test_the_literal_program_agrees(name: str) -> None:
    network = NETS[name]()
    params, x = data(network)
    program = load_source(peer("literal", network), "literal")
    for lam in LAMS:
        assert_same(network, lam, *program.make(params, x, lam)())


def test_the_literal_program_stays_in_its_dtype_and_is_for_chains() -> None:
    params, x = data(CATALOGUE["pointwise_chain"](), "float32")
    _, gradient = load_source(peer("literal", CATALOGUE["pointwise_chain"]()), "literal").make(params, x, 0.3)()
    assert {value.dtype for value in gradient.values()} == {np.dtype("float32")}
    with pytest.raises(BuildError, match="chains"):
        peer("literal", CATALOGUE["skip_and_branch"]())


@pytest.mark.slow
@pytest.mark.parametrize("library", ["jax", "torch"])
def test_autodiff_agrees(library: str, tmp_path: Path) -> None:
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    for name in GRAPHS:
        params, x = data(NETS[name]())
        (tmp_path / f"{name}.py").write_text(peer(library, NETS[name]()), encoding="utf-8")
        np.savez(tmp_path / f"{name}.npz", x=x, **params)
    subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), *map(str, LAMS)],
        check=True,
        env=environment(tmp_path),
        cwd=Path(__file__).parents[2],
    )
    for name in GRAPHS:
        for lam in LAMS:
            with np.load(tmp_path / f"{name}-{lam}.npz") as arrays:
                found = {key: arrays[key] for key in arrays.files}
            assert_same(NETS[name](), lam, found.pop("J"), found)


@pytest.mark.slow
@pytest.mark.parametrize("lam", LAMS)
def test_the_exact_loss_agrees(lam: float, tmp_path: Path) -> None:
    programs = exact_trace.installed(exact_trace.programs(ica(), lam))
    if not programs:
        pytest.skip("neither JAX nor PyTorch is installed")
    ours = {"numpy": contenders.texts("numpy", ica(), "ica", "float64", 5)}
    case = Case("ica", 5, "float64", lam)
    theirs = {name: {".py": text} for name, text in programs.items()}
    found = measure_programs(ours | theirs, data_of(ica(), case), case, rounds=1, seconds=0.0, cache=tmp_path)
    assert [m.contender for m in found.measured] == ["numpy", *programs]


@pytest.mark.parametrize("prelude", [JAX, TORCH, NUMPY])
def test_every_function_is_there(prelude: str) -> None:
    names = {node.name for node in ast.walk(ast.parse(prelude)) if isinstance(node, ast.FunctionDef)}
    assert {function.__name__ for function in known()} - names == {"logsumexp", "softmax"}


def test_functions_of_numpy_have_the_values_of_their_definitions() -> None:
    """Written plainly, they lose digits in tails; where they are used, they do not."""
    programs: dict[str, Any] = {}
    exec(NUMPY, programs)
    at = np.array([-2.5, -0.4, 0.3, 1.7])
    for function in known():
        if function.__name__ not in programs or function.__name__ == "choose":
            continue
        arguments = (at, 0.5, 0.25)[: next(iter(function.nargs))]
        fits = at > 0 if function is sympy.log else at > -1 if function.__name__ == "log1p" else at == at
        reference = references().get(function.__name__) or getattr(mpmath, function.__name__)
        for n in np.flatnonzero(fits):
            numbers = [mpmath.mpf(float(np.broadcast_to(a, at.shape)[n])) for a in arguments]
            with np.errstate(all="ignore"):
                found = float(np.broadcast_to(programs[function.__name__](*arguments), at.shape)[n])
            assert found == pytest.approx(float(reference(*numbers)), rel=1e-12), function
    weights = sympy.exp(G) + sympy.exp(-G / 2) + 2
    text = nonlinearity("mixture", differentiate(sympy.log(weights)), 2)
    exec(text, programs)
    for order, values in enumerate(programs["f_mixture"](at)):
        exact = sympy.lambdify(G, sympy.diff(sympy.log(weights), G, order))(at)
        assert_close(values, exact, 1e-12)
