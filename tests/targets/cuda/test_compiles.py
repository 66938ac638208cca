"""Level 1: every kernel of every example compiles, with CuPy's own flags, for every architecture, without a warning."""

from __future__ import annotations

import pytest

from tests.networks import CATALOGUE
from tests.targets.cuda.emitted import DTYPES, EXAMPLES, cuda_source, example
from tests.targets.cuda.toolchain import nvrtc

needs_nvrtc = pytest.mark.skipif(not nvrtc.available(), reason=str(nvrtc.available().reason))


@needs_nvrtc
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_to_ptx_for_the_oldest_and_newest(name: str, dtype: str) -> None:
    for architecture in (nvrtc.ARCHITECTURES[0], nvrtc.ARCHITECTURES[-1]):
        assert not nvrtc.compile_cuda(cuda_source(example(name), dtype), architecture).warnings


@needs_nvrtc
@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES[1:-1])
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_for_every_architecture(name: str, architecture: str, dtype: str) -> None:
    assert not nvrtc.compile_cuda(cuda_source(example(name), dtype), architecture).warnings


@needs_nvrtc
@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue(name: str) -> None:
    assert not nvrtc.compile_cuda(cuda_source(CATALOGUE[name](), "float32"), "sm_90").warnings


@pytest.mark.slow
@pytest.mark.skipif(not nvrtc.available(12), reason=str(nvrtc.available(12).reason))
@pytest.mark.parametrize("name", EXAMPLES)
def test_volta_through_cuda_12(name: str) -> None:
    warnings = nvrtc.compile_cuda(cuda_source(example(name), "float32"), nvrtc.VOLTA, toolkit=12).warnings
    assert not [warning for warning in warnings if "deprecated" not in warning]  # the architecture is, and it says so
