"""The stand-in against the real CuPy, which imports, makes views of given addresses and packs scalars without a GPU."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import inspect
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.targets.cuda.fake_cupy.arguments import pack
from tests.targets.cuda.fake_cupy.array import ndarray
from tests.targets.cuda.fake_cupy.host import SOURCE, Runner
from tests.targets.cuda.fake_cupy.stand_in import CUDARuntimeError, FakeCuPy, allow_sync, install

ADDRESS = 1 << 20

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is None, reason="CuPy is not installed; pip install cupy-cuda13x"
)


@pytest.fixture(scope="module")
def cupy() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of toolkits that it does not find
        return importlib.import_module("cupy")


@pytest.fixture
def cp() -> Iterator[FakeCuPy]:
    with install(Runner) as fake:
        yield fake


def borrowed(cupy: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """An array over an address that nothing reads."""
    memory = cupy.cuda.UnownedMemory(ADDRESS, 1 << 20, None, 0)
    return cupy.ndarray(shape, dtype, cupy.cuda.MemoryPointer(memory, 0))


def public(thing: object) -> set[str]:
    names = dir(thing) if isinstance(thing, type) else [*dir(thing), *vars(type(thing))]
    return {name for name in names if not name.startswith("_")}


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def declared(doc: str) -> list[str]:
    """The parameter names in the first line of a docstring that Cython wrote."""
    inside = doc.strip().splitlines()[0].partition("(")[2].rpartition(")")[0]
    names = [part.partition("=")[0].split()[-1] for part in inside.split(",") if part.strip() not in {"", "*"}]
    return [name.lstrip("*") for name in names if name != "self"]


def test_every_name_exists_in_cupy(cupy: Any, cp: FakeCuPy) -> None:
    names = "RawModule asarray asnumpy cuda empty float32 float64 matmul ndarray ones ones_like random zeros"
    assert public(cp) == set(names.split()) <= set(dir(cupy))
    assert public(cp.cuda) == {"Device", "is_available", "runtime"} <= set(dir(cupy.cuda))
    assert public(cp.random) == {"default_rng"} <= set(dir(cupy.random))
    assert public(cp.cuda.runtime) <= set(dir(cupy.cuda.runtime))
    assert public(cp.cuda.Device) <= set(dir(cupy.cuda.Device))
    assert {name for name in public(ndarray) if name != "dtype"} <= set(dir(cupy.ndarray))
    assert public(cp.RawModule) - {"make_runner", "devices"} <= set(dir(cupy.RawModule))
    assert public(cp.RawModule(code=SOURCE).get_function("scale")) <= set(dir(cupy.RawKernel))
    assert cupy.float32 is np.float32
    assert cupy.float64 is np.float64


@pytest.mark.parametrize("name", ["empty", "zeros", "ones", "asarray", "asnumpy"])
def test_functions_take_a_prefix_of_cupys_parameters(cupy: Any, cp: FakeCuPy, name: str) -> None:
    ours, theirs = parameters(getattr(cp, name)), parameters(getattr(cupy, name))
    assert ours == theirs[: len(ours)]


def test_keywords_are_cupys(cupy: Any, cp: FakeCuPy) -> None:
    products = inspect.signature(cupy.matmul).parameters  # *args and **kwargs before CuPy 14
    assert products.get("out", products.get("kwargs")) is not None
    assert inspect.signature(cp.matmul).parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY
    documented = next(doc for doc in (cupy.RawModule.__doc__, cupy.RawModule.__init__.__doc__) if doc and "code" in doc)
    assert set(parameters(cp.RawModule)) <= set(re.findall(r"\w+", documented))
    assert declared(cupy.RawKernel.__call__.__doc__)[:3] == ["grid", "block", "args"]
    kernel = cp.RawModule(code=SOURCE).get_function("scale")
    assert parameters(kernel.__call__)[:3] == ["grid", "block", "args"]
    assert declared(cupy.ndarray.astype.__doc__)[0] == parameters(ndarray.astype)[0] == "dtype"
    assert set(parameters(ndarray.astype)) <= set(declared(cupy.ndarray.astype.__doc__))


VIEWS = [
    "a",
    "a[:2]",
    "a[1]",
    "a[-1]",
    "a[..., 3:7]",
    "a[:, None]",
    "a[None]",
    "a[:, 2]",
    "a[1:2, :]",
    "a[:, :1]",
    "a[::2]",
    "a[:, ::-1]",
    "a[2, 3]",
    "a[...]",
    "a[5:2]",
    "a[:, None, 1:3]",
    "a.T",
    "a.T[2:4]",
    "a[:1].T",
    "a.reshape(-1)",
    "a.reshape(5, 8)",
    "a.reshape((2, 4, 5))",
    "a[:2].reshape(1, 2, 10)",
    "a.reshape(4, 1, 10)[:, 0]",
    "a[1].reshape(2, 5).T",
    "a[:0]",
    "a[:0].T",
    "a[0, 0].reshape(1, 1)",
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", VIEWS)
def test_views_are_cupys(cupy: Any, cp: FakeCuPy, view: str, dtype: str) -> None:
    real, fake = borrowed(cupy, (4, 10), dtype), cp.empty((4, 10), dtype)
    start = fake.data.ptr
    real, fake = eval(view, {"a": real}), eval(view, {"a": fake})
    for name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes"):
        assert getattr(fake, name) == getattr(real, name), name
    if fake.size:
        assert fake.strides == real.strides
        assert fake.data.ptr - start == real.data.ptr - ADDRESS
    assert fake.flags.c_contiguous == real.flags.c_contiguous
    assert fake.flags.f_contiguous == real.flags.f_contiguous


@pytest.mark.parametrize("view", ["a[5]", "a[0, 0, 0]", "a.reshape(3, 7)"])
def test_impossible_views_raise_as_in_cupy(cupy: Any, cp: FakeCuPy, view: str) -> None:
    for array in (borrowed(cupy, (4, 10), "float32"), cp.empty((4, 10), cp.float32)):
        with pytest.raises(ValueError if "reshape" in view else IndexError):
            eval(view, {"a": array})


SCALARS = [5, -1, 2**63, True, False, 1.5, float("inf")] + [
    kind(3) for kind in (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint32, np.uint64, np.float32, np.float64)
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: f"{type(value).__name__} {value}")
def test_scalars_are_packed_as_cupy_packs_them(cupy: Any, value: object) -> None:
    scalars = importlib.import_module("cupy._core._scalar")
    if not hasattr(scalars.CScalar, "ptr"):
        pytest.skip("CuPy before 14 does not show its packed scalars to Python")
    scalar = scalars.CScalar(value)
    packed = pack(value)
    assert packed.dtype == np.dtype(scalar.get_numpy_type())
    assert packed.content == ctypes.string_at(scalar.ptr, packed.dtype.itemsize)


def test_what_cupy_refuses_without_a_device(cupy: Any, cp: FakeCuPy) -> None:
    modules: list[tuple[Any, Any]] = [(cupy, borrowed(cupy, (4,), "float32")), (cp, cp.empty(4, cp.float32))]
    for module, array in modules:
        with pytest.raises(TypeError, match=r"[Ii]mplicit conversion"):
            np.asarray(array)
        with pytest.raises(TypeError, match="options"):
            module.RawModule(code=SOURCE, options=["--std=c++17"])
        with pytest.raises(TypeError, match="code"):
            module.RawModule(code=SOURCE.encode())
        with pytest.raises(TypeError, match="unhashable"):
            hash(array)
        assert len(array) == 4
    with allow_sync(), pytest.raises(TypeError, match="implicit conversion"):
        np.asarray(cp.empty(4, cp.float32))


def test_the_missing_device_is_the_same_exception(cupy: Any) -> None:
    theirs = cupy.cuda.runtime.CUDARuntimeError
    with contextlib.suppress(theirs):
        cupy.cuda.runtime.getDeviceCount()
        pytest.skip("there is a device")
    assert (theirs.__name__, theirs.__bases__) == (CUDARuntimeError.__name__, CUDARuntimeError.__bases__)
    module = cupy.RawModule(code=SOURCE, options=("--std=c++17",))
    for call in (cupy.cuda.runtime.getDeviceCount, lambda: cupy.empty(3), lambda: module.get_function("scale")):
        with pytest.raises(theirs, match="cudaError"):
            call()
