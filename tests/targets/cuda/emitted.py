"""Emitted CUDA modules, for the suites of the ladder: their source, their kernels, and a way to run them on the CPU."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from smgen.build import Options, build_info, source
from smgen.hessians import Method
from smgen.loader import load_source
from smgen.network import Network
from smgen.network.netfile import load_network
from tests.given import EVERYTHING, assert_calls_agree, calls_of, given_of
from tests.support import Array, Params, assert_close, module_of, random_case
from tests.targets.cuda.emulator.emulator import Emulator
from tests.targets.cuda.fake_cupy import stand_in
from tests.targets.cuda.fake_cupy.counters import allow_sync

GENERATED = Path(__file__).resolve().parents[3] / "generated"
EXAMPLES = sorted(path.parent.name for path in GENERATED.glob("*/net.py"))
REGISTERS = {"float32": 64, "float64": 96}
"""What a thread of an elementwise kernel may hold: 64 registers let an SM be full of 256-thread blocks by half."""
DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


def example(name: str) -> Network:
    """The network of a folder of generated/."""
    return load_network(GENERATED / name / "net.py")


DIAGONAL = Method()


@lru_cache(maxsize=256)
def module_text(network: Network, dtype: str, method: Method = DIAGONAL, objective: str | None = None) -> str:
    """The emitted module, with the usual functions, or with all functions of these objectives."""
    options = Options(
        backend="cuda",
        dtype=dtype,
        hessian=method.hessian,
        probes=method.probes,
        objective=objective,
        functions=None if objective is None else "all",
    )
    return source(network, build_info(network, Path("net.py"), options))


@lru_cache(maxsize=256)
def cuda_source(network: Network, dtype: str, method: Method = DIAGONAL) -> str:
    """The CUDA C inside it."""
    for node in ast.parse(module_text(network, dtype, method)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "SOURCE":
            return str(ast.literal_eval(node.value))
    raise AssertionError("the module has no SOURCE")


@contextmanager
def running(
    network: Network,
    dtype: str,
    make: Callable[[str], Any] = Emulator,
    method: Method = DIAGONAL,
    objective: str | None = None,
) -> Iterator[tuple[ModuleType, stand_in.FakeCuPy]]:
    """The emitted module, loaded with the stand-in in CuPy's place; kernels run on what `make(source)` returns."""
    with stand_in.install(make) as cupy:
        yield load_source(module_text(network, dtype, method, objective), "cuda"), cupy


def cast(params: Params, x: Array, dtype: str) -> tuple[Params, Array]:
    """The case in the module's dtype."""
    return {key: value.astype(dtype) for key, value in params.items()}, x.astype(dtype)


def assert_agrees(
    network: Network,
    dtype: str,
    params: Params,
    x: Array,
    make: Callable[[str], Any] = Emulator,
    method: Method = DIAGONAL,
    budget: int | None = None,
) -> None:
    """Every function of the CUDA module equals the NumPy module's, at λ = 0 and λ > 0, for the same probes."""
    params, x = cast(params, x, dtype)
    numpy = module_of(network, dtype, hessian=method.hessian, probes=method.probes)
    tolerance = TOLERANCE[dtype]
    probe_arguments: dict[str, Any] = {}
    if method.hessian == "hutchinson":
        probe_arguments["probes"] = (
            np.random.default_rng(1).standard_normal((len(x), method.probes, x.shape[1])).astype(dtype)
        )
    conditions = numpy._some_conditions(len(x), np.random.default_rng(2)) if hasattr(numpy, "_CONDITIONS") else {}
    probe_arguments |= conditions
    with running(network, dtype, make, method) as (cuda, cupy):
        if budget is not None:
            cuda._memory["budget"] = budget
        there = {key: cupy.asarray(value) for key, value in params.items()}
        probe_arguments_there = {name: cupy.asarray(value) for name, value in probe_arguments.items()}
        data = cupy.asarray(x)
        for function in ("energy", "score", "hessian_diagonal"):
            probed = function == "hessian_diagonal"
            given = probe_arguments if probed else conditions
            given_there = {name: probe_arguments_there[name] for name in given}
            actual = cupy.asnumpy(getattr(cuda, function)(there, data, **given_there))
            assert actual.dtype == np.dtype(dtype)
            expected = getattr(numpy, function)(params, x, **given)
            assert_close(actual, expected, tolerance, function)
        for lam in (0.0,) if "probes" in probe_arguments and method.probes == 1 else (0.0, 0.3):
            ours = cuda.loss(there, data, lam, **probe_arguments_there)
            assert_close(cupy.asnumpy(ours), numpy.loss(params, x, lam, **probe_arguments), tolerance, "loss")
            for function in ("loss_terms", "loss_and_grad", "loss_and_grad_terms"):
                ours = getattr(cuda, function)(there, data, lam, **probe_arguments_there)
                theirs = getattr(numpy, function)(params, x, lam, **probe_arguments)
                for position, (a, b) in enumerate(zip(ours, theirs, strict=True)):
                    where = f"{function}[{position}] at {lam}"
                    if isinstance(b, dict):
                        assert list(a) == list(b)
                        for key, value in b.items():
                            assert_close(cupy.asnumpy(a[key]), value, tolerance, f"{where} {key}")
                    else:
                        assert_close(cupy.asnumpy(a), b, tolerance, where)


def assert_all_agree(network: Network, dtype: str, method: Method, samples: int, budget: int | None = None) -> None:
    """Every function of every kind of objective equals the NumPy module's, plain and with all that it takes."""
    params, x = cast(*random_case(network, seed=samples, samples=samples), dtype)
    x = np.abs(x) + np.asarray(0.1, x.dtype)
    numpy = module_of(
        network, dtype, hessian=method.hessian, probes=method.probes, objective=EVERYTHING, functions="all"
    )
    given, lam = given_of(numpy, x), 0.0 if method.hessian == "hutchinson" and method.probes == 1 else 0.3
    with running(network, dtype, method=method, objective=EVERYTHING) as (cuda, cupy), allow_sync():
        if budget is not None:
            cuda._memory["budget"] = budget

        def there(value: Any) -> Any:
            return {k: there(v) for k, v in value.items()} if isinstance(value, dict) else cupy.asarray(value)

        ours = calls_of(cuda, there(params), there(x), there(given), lam)
        assert_calls_agree(ours, calls_of(numpy, params, x, given, lam), TOLERANCE[dtype], cupy.asnumpy)
