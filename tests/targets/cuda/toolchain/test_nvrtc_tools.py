"""The compiler and the disassembler see what they are meant to see, in good kernels and in planted defects."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.targets.cuda.emulator import sample
from tests.targets.cuda.toolchain import nvrtc, ptx, sass

TOOLS = nvrtc.available() and sass.available()
pytestmark = pytest.mark.skipif(not TOOLS, reason=TOOLS.reason)

each_architecture = pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)

# The sample, and a kernel for the helper functions that it leaves unused: NVRTC warns of those.
SAMPLE = (
    sample.SOURCE
    + """
extern "C" __global__ void rectify(const float* __restrict__ x, float* __restrict__ y, const int N)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < N) y[i] = maximum(x[i], 0.0f) + signum(x[i]);
}
"""
)
FLOAT32_KERNELS = ("forward_experts", "forward_experts_x4", "column_sum", "row_sum", "rectify")


def elementwise(name: str, expression: str, parameters: str = "") -> str:
    return f"""
extern "C" __global__ void {name}(const float* __restrict__ a, float* __restrict__ b, const int N{parameters})
{{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < N) b[i] = {expression};
}}
"""


# `a` may alias `b`: what is loaded before the barrier cannot be loaded again after it.
SPILL = """
extern "C" __global__ void __launch_bounds__(1024) spill(const float* a, float* b)
{
    float kept[80];
    for (int k = 0; k < 80; ++k) kept[k] = a[k * 1024 + threadIdx.x];
    __syncthreads();
    for (int k = 0; k < 80; ++k) b[k * 1024 + threadIdx.x] = kept[79 - k] - 2.0f * kept[k];
}
"""
INDEXED = """
extern "C" __global__ void indexed(const int* a, float* b, const int N)
{
    float count[32] = {};
    for (int k = 0; k < N; ++k) count[a[k]] += 1.0f;
    for (int k = 0; k < 32; ++k) b[k] = count[k];
}
"""
DOUBLES = {
    "tenth": "a[i] * 0.1",
    "epsilon": "a[i] + 1e-6",
    "half_power": "exp(0.3 * a[i])",
    "double_exp": "exp((double)a[i])",
    "double_divide": "a[i] / 3.0",
    "round_trip": "(float)sqrt((double)a[i] + 1)",
}
CLEAN = {
    "folded": "a[i] * 2.0",
    "exp_of_float": "exp(a[i])",
    "quotient": "a[i] / (1.0f + a[i] * a[i])",
    "by_count": "a[i] / N",
    "by_literal": "a[i % 7]",
    "to_integer": "(int)(a[i] * N)",
}
DIVISIONS = {
    "modulo": ("a[i % width]", ", const int width"),
    "quotient_of_index": ("a[i / width]", ", const int width"),
    "unsigned_divide": ("a[(unsigned)i / width]", ", const unsigned width"),
    "long_modulo": ("a[((long long)i * N) % width]", ", const long long width"),
}
ATOMIC = """
extern "C" __global__ void atomic(const float* __restrict__ a, float* __restrict__ b) { atomicAdd(b, a[threadIdx.x]); }
"""
DEFECTS = "".join(
    [
        *(elementwise(name, expression) for name, expression in (DOUBLES | CLEAN).items()),
        *(elementwise(name, *how) for name, how in DIVISIONS.items()),
        SPILL,
        INDEXED,
        ATOMIC,
    ]
)

CAPTURE = """
import json
from cupy._core import core
from cupy.cuda import compiler

class Program:
    def __init__(self, source, *rest, **options):
        self.is_empty = not source
    def compile(self, options=(), log_stream=None):
        if self.is_empty:
            return b"", None
        print(json.dumps(options))
        raise SystemExit

compiler._NVRTCProgram = Program
compiler._get_arch_for_options_for_nvrtc = lambda arch=None: (f"-arch=sm_{arch}", "cubin")  # memoised for each device
core.compile_with_cache("source", ("--std=c++17",), arch="80", prepend_cupy_headers=False, backend="nvrtc")
"""


def test_the_options_are_cupys(tmp_path: Path) -> None:
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed; pip install cupy-cuda13x")
    libraries = os.pathsep.join((*nvrtc.folders(), os.environ.get("LD_LIBRARY_PATH", "")))
    folder = str(tmp_path)
    environment = os.environ | {"CUDA_PATH": folder, "CUPY_CACHE_DIR": folder, "LD_LIBRARY_PATH": libraries}
    command = [sys.executable, "-W", "ignore", "-c", CAPTURE]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.stdout, result.stderr
    options = [option for option in json.loads(result.stdout) if not option.startswith("-I")]
    assert tuple(options) == nvrtc.cupy_options(("--std=c++17",), "sm_80")


@each_architecture
def test_the_sample_compiles_without_warnings(architecture: str) -> None:
    compiled = nvrtc.compile_cuda(SAMPLE, architecture)
    assert compiled.warnings == ()
    assert f".target {architecture}" in compiled.ptx
    names = set(sass.kernels(compiled.cubin))
    assert (
        names == {*FLOAT32_KERNELS, "loss_x", "finish_loss"} == set(ptx.traffic(compiled.ptx)) == set(compiled.spills)
    )


@each_architecture
def test_the_sample_is_efficient_on_paper(architecture: str) -> None:
    compiled = nvrtc.compile_cuda(SAMPLE, architecture)
    kernels = sass.kernels(compiled.cubin)
    for name, kernel in kernels.items():
        assert kernel.local_accesses == () == kernel.integer_divisions, name
        assert kernel.resources.stack == kernel.resources.local == compiled.spills[name] == 0, name
        assert 0 < kernel.resources.registers <= 48, name
    for name in FLOAT32_KERNELS:
        assert kernels[name].float64 == () == ptx.float64(compiled.ptx)[name], name
    assert kernels["forward_experts_x4"].global_loads == {128: 1}
    assert kernels["forward_experts_x4"].global_stores == {128: 2}
    assert kernels["forward_experts"].global_loads == {32: 1}
    assert kernels["finish_loss"].global_loads == {64: 1}
    assert kernels["column_sum"].resources.shared >= 8 * 33 * 4
    assert {i.mnemonic for i in kernels["loss_x"].float64} >= {"DADD", "F2F"}


@each_architecture
def test_bytes_are_counted_by_parameter(architecture: str) -> None:
    traffic = ptx.traffic(nvrtc.compile_cuda(SAMPLE, architecture).ptx)
    assert traffic["forward_experts"] == ptx.Traffic(loads={0: 4}, stores={1: 4, 2: 4})
    assert traffic["forward_experts_x4"] == ptx.Traffic(loads={0: 16}, stores={1: 16, 2: 16})
    assert traffic["loss_x"] == ptx.Traffic(loads={0: 4, 1: 4}, stores={2: 4, 3: 8, 4: 8})
    assert traffic["loss_x"].loaded == 8
    assert set(traffic["row_sum"].loads) == {0}  # unrolled: more than 4 bytes


@pytest.mark.slow
def test_volta_through_the_cuda_12_compiler() -> None:
    if not nvrtc.available(toolkit=12):
        pytest.skip(nvrtc.available(toolkit=12).reason)
    assert nvrtc.VOLTA not in nvrtc.architectures()
    compiled = nvrtc.compile_cuda(SAMPLE, nvrtc.VOLTA, toolkit=12)
    (warning,) = compiled.warnings  # that of the compiler's age, which no option turns off
    assert "Architectures prior to '<compute/sm>_75' are deprecated" in warning
    assert set(compiled.spills.values()) == {0}
    assert sass.resources(compiled.cubin)["forward_experts_x4"].stack == 0
    assert ptx.float64(compiled.ptx)["forward_experts_x4"] == ()
    for architecture in ("sm_75", "sm_90"):
        assert nvrtc.compile_cuda(SAMPLE, architecture, toolkit=12).warnings == ()


@each_architecture
@pytest.mark.parametrize("name", DOUBLES)
def test_float64_in_a_float32_kernel_is_caught(architecture: str, name: str) -> None:
    compiled = nvrtc.compile_cuda(DEFECTS, architecture)
    assert sass.kernels(compiled.cubin)[name].float64
    assert ptx.float64(compiled.ptx)[name]


@each_architecture
@pytest.mark.parametrize("name", CLEAN)
def test_what_the_compiler_folds_is_no_defect(architecture: str, name: str) -> None:
    compiled = nvrtc.compile_cuda(DEFECTS, architecture)
    kernel = sass.kernels(compiled.cubin)[name]
    assert kernel.float64 == () == ptx.float64(compiled.ptx)[name]
    assert kernel.integer_divisions == ()


@each_architecture
@pytest.mark.parametrize("name", DIVISIONS)
def test_integer_division_by_an_unknown_is_caught(architecture: str, name: str) -> None:
    assert sass.kernels(nvrtc.compile_cuda(DEFECTS, architecture).cubin)[name].integer_divisions


@each_architecture
def test_spills_and_indexed_arrays_are_caught(architecture: str) -> None:
    compiled = nvrtc.compile_cuda(DEFECTS, architecture)
    kernels = sass.kernels(compiled.cubin)
    assert compiled.spills["spill"] > 0
    assert {i.mnemonic for i in kernels["spill"].local_accesses} == {"LDL", "STL"}
    assert kernels["spill"].resources.stack > 0
    assert compiled.spills["indexed"] == 0
    assert kernels["indexed"].local_accesses
    assert kernels["indexed"].resources.stack >= 32 * 4


def test_an_atomic_is_told_from_a_store() -> None:
    assert {"atomic", "load"} == {a.kind for a in ptx.accesses(nvrtc.compile_cuda(DEFECTS, "sm_80").ptx)["atomic"]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (elementwise("f", "a[i] +"), "expected an expression"),
        (elementwise("f", "undeclared[i]"), 'identifier "undeclared" is undefined'),
        (elementwise("f", "a[i] * INFINITY"), 'identifier "INFINITY" is undefined'),
        ("#include <math.h>\n", "math.h"),
    ],
)
def test_errors_carry_the_compilers_log(source: str, message: str) -> None:
    with pytest.raises(nvrtc.CompilationFailed, match="error") as caught:
        nvrtc.compile_cuda(source, "sm_80")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("static __device__ float unused(float u) { return u; }" + elementwise("f", "a[i]"), "never referenced"),
        (elementwise("f", "a[i]").replace("const int i", "int j = 0; const int i"), "never referenced"),
        (elementwise("f", "a[i] * (1 << 40)"), "shift count"),
    ],
)
def test_warnings_are_surfaced(source: str, message: str) -> None:
    assert message in "\n".join(nvrtc.compile_cuda(source, "sm_80").warnings)


def test_cupys_flushing_of_denormals_cannot_be_turned_off() -> None:
    compiled = nvrtc.compile_cuda(elementwise("f", "a[i] + 1.0f"), "sm_80", (*nvrtc.MODULE_OPTIONS, "-ftz=false"))
    assert "add.ftz.f32" in compiled.ptx


def test_a_missing_wheel_is_named() -> None:
    from tests.targets.cuda.toolchain import wheels

    assert wheels.availability("nvidia-cuda-nothing", "x").reason.startswith("nvidia-cuda-nothing is not installed")
    assert "holds no file named" in wheels.availability("nvidia-cuda-nvrtc", "x").reason
