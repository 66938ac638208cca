"""Host code and kernels in the style of the emitted modules, small, to try the stand-in for CuPy on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tests.targets.cuda.emulator.arguments import Strided
from tests.targets.cuda.emulator.signatures import Parameter, kernels_of
from tests.targets.cuda.fake_cupy.stand_in import FakeCuPy

SOURCE: Final = """
extern "C" __global__ void scale(const float* __restrict__ x, float* __restrict__ y, const float factor, const int size)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) y[i] = factor * x[i];
}
extern "C" __global__ void total(const float* __restrict__ x, double* __restrict__ J, const int size)
{
    double sum = 0.0;
    for (int i = 0; i < size; ++i) sum += x[i];
    if (threadIdx.x == 0) J[0] = sum;
}
"""

HOST: Final = '''
import cupy as cp
import numpy as np

module = cp.RawModule(code=SOURCE, options=("--std=c++17",))
kernels, workspace = {}, {}

def kernel(name):
    if name not in kernels:
        kernels[name] = module.get_function(name)
    return kernels[name]

def buffer(name, shape, dtype=cp.float32):
    if name not in workspace or workspace[name].shape != shape:
        workspace[name] = cp.empty(shape, dtype)
    return workspace[name]

def step(W, x):
    """J, the sum of 2 (x Wᵀ), as a 0-d device array."""
    g = buffer("g", (x.shape[0], W.shape[0]))
    scaled = buffer("scaled", g.shape)
    J = buffer("J", (), cp.float64)
    cp.matmul(x, W.T, out=g)
    blocks = (g.size + 63) // 64
    kernel("scale")((blocks,), (64,), (g, scaled, np.float32(2), np.int32(g.size)))
    kernel("total")((1,), (32,), (scaled, J, np.int32(g.size)))
    return J
'''


class Runner:
    """The kernels of SOURCE in Python, by the addresses that a device would see."""

    def __init__(self, source: str) -> None:
        self.kernels: Mapping[str, Sequence[Parameter]] = {k: v.parameters for k, v in kernels_of(source).items()}

    def launch(self, name: str, grid: Sequence[int], block: Sequence[int], args: Sequence[Any]) -> None:
        x, result = (self._memory(a) for a in args[:2])
        size = int(args[-1])
        if name == "scale":
            size = min(size, grid[0] * block[0])
            result[:size] = args[2] * x[:size]
        else:
            result[0] = x[:size].sum(dtype=np.float64)

    @staticmethod
    def _memory(array: Any) -> Any:
        if not isinstance(array, Strided):
            return array.reshape(-1)
        return np.lib.stride_tricks.as_strided(array.array, (array.array.size,), (array.array.itemsize,))


def load(text: str = HOST) -> dict[str, Any]:
    namespace: dict[str, Any] = {"SOURCE": SOURCE}
    exec(compile(text, "host.py", "exec"), namespace)
    return namespace


def case(cp: FakeCuPy, samples: int = 5) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    W, x = generator.normal(size=(3, 4)).astype("f"), generator.normal(size=(samples, 4)).astype("f")
    return cp.asarray(W), cp.asarray(x)
