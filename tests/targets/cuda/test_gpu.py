"""Level 6: the backends-agree suite on a real device, for whoever has one. `pytest -m gpu`."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from smgen.build import Options, build_info, source
from smgen.loader import load_source
from tests.networks import CATALOGUE
from tests.support import assert_close, module_of, random_case
from tests.targets.cuda.emitted import DTYPES, EXAMPLES, cast, example

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


@cache
def missing() -> str:
    """Why the suite cannot run here, or an empty string."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed"
    import cupy

    try:
        return "" if cupy.cuda.runtime.getDeviceCount() else "no CUDA device"
    except Exception as error:
        return f"no CUDA device: {error}"


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*EXAMPLES, *CATALOGUE])
def test_agrees_with_numpy(name: str, dtype: str) -> None:
    if missing():
        pytest.skip(missing())
    import cupy

    network = example(name) if name in EXAMPLES else CATALOGUE[name]()
    cuda = load_source(source(network, build_info(network, Path("net.py"), Options(backend="cuda", dtype=dtype))), name)
    numpy = module_of(network, dtype)
    for samples in (1, 31, 1000):
        params, x = cast(*random_case(network, seed=samples, samples=samples), dtype)
        there, data = {key: cupy.asarray(value) for key, value in params.items()}, cupy.asarray(x)
        for function in ("energy", "score", "hessian_diagonal"):
            ours = cupy.asnumpy(getattr(cuda, function)(there, data))
            assert_close(ours, getattr(numpy, function)(params, x), TOLERANCE[dtype], function)
        for lam in (0.0, 0.3):
            J, gradient = cuda.loss_and_grad(there, data, lam)
            expected, expected_gradient = numpy.loss_and_grad(params, x, lam)
            assert_close(float(J), expected, TOLERANCE[dtype], "J")
            for key, value in expected_gradient.items():
                assert_close(cupy.asnumpy(gradient[key]), value, TOLERANCE[dtype], key)
    assert cuda.selftest()
    assert np.isfinite(float(cuda.loss(there, data)))
