"""What training uses of CuPy beyond the emitted modules: arithmetic in place, and functions with `out`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests.targets.cuda.fake_cupy.array import host_of, ndarray
from tests.targets.cuda.fake_cupy.stand_in import FakeCuPy


def _host(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return host_of(value) if isinstance(value, ndarray) else value


def _device(cupy: FakeCuPy, value: Any) -> ndarray:
    return cupy.asarray(np.asarray(value))


def _in_place(name: str) -> Any:
    def method(self: ndarray, other: Any) -> ndarray:
        getattr(host_of(self), name)(_host(other))
        return self

    return method


@contextmanager
def able_to_train(cupy: FakeCuPy) -> Iterator[None]:
    """Give the stand-in these names while the block runs."""

    def binary(name: str) -> Any:
        return lambda self, other: _device(cupy, getattr(host_of(self), name)(_host(other)))

    def function(of: Any) -> Any:
        def call(*arguments: Any, out: ndarray | None = None) -> ndarray:
            result = of(*map(_host, arguments))
            if out is None:
                return _device(cupy, result)
            host_of(out)[...] = result
            return out

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("__iadd__", "__isub__", "__imul__", "__itruediv__"):
            patch.setattr(ndarray, name, _in_place(name), raising=False)
        for name in ("__add__", "__radd__", "__sub__", "__pow__"):
            patch.setattr(ndarray, name, binary(name), raising=False)
        patch.setattr(
            ndarray, "__setitem__", lambda self, key, value: host_of(self).__setitem__(key, _host(value)), raising=False
        )
        patch.setattr(ndarray, "get", lambda self: cupy.asnumpy(self), raising=False)
        patch.setattr(ndarray, "all", lambda self: bool(host_of(self).all()), raising=False)
        patch.setattr(
            ndarray, "sum", lambda self, axis=None: _device(cupy, host_of(self).sum(axis=axis)), raising=False
        )
        for of in (np.multiply, np.divide, np.subtract, np.sqrt, np.minimum, np.maximum, np.dot, np.isfinite):
            patch.setattr(cupy, of.__name__, function(of), raising=False)
        for name in ("zeros_like", "empty_like"):
            patch.setattr(cupy, name, lambda a: cupy.zeros(a.shape, a.dtype), raising=False)
        yield
