"""The stand-in's `matmul`: the rules by which CuPy calls cuBLAS directly, and what it does where they are broken."""

from __future__ import annotations

import math

import numpy as np

from tests.targets.cuda.fake_cupy.array import host_of, ndarray, new
from tests.targets.cuda.fake_cupy.counters import Product, allocated, fault, multiplied


def matmul(a: ndarray, b: ndarray, /, *, out: ndarray | None = None) -> ndarray:
    """a · b, row-major, for one or two dimensions or a matrix for each sample; returns `out` if given.

    CuPy hands operands to cuBLAS as they are if each is C- or F-contiguous and all have one dtype, and writes straight
    into `out` if that is C-contiguous and overlaps no operand. A product with one element goes through a reduction
    that allocates whatever the caller does, so that is counted and never an error.
    """
    for name, operand in {"a": a, "b": b}.items():
        if not isinstance(operand, ndarray):
            raise TypeError(f"matmul: {name} is a {type(operand).__name__}, not a device array")
        if operand.ndim == 0:
            raise ValueError("matmul: scalar operands are not allowed")
        if operand.ndim > 3:
            raise NotImplementedError("the stand-in knows products of at most three dimensions")
    if a.ndim == 3 or b.ndim == 3:
        return _of_each_sample(a, b, out)
    shape, product = _shapes(a, b)
    if a.dtype != b.dtype:
        fault(f"matmul: {a.dtype} times {b.dtype}: CuPy converts one of them first")
    for name, operand in {"a": a, "b": b}.items():
        if not (operand.flags.c_contiguous or operand.flags.f_contiguous):
            allocated(f"copy of matmul's operand {name}")
            fault(f"matmul: {name} of shape {operand.shape} and strides {operand.strides} is not contiguous")
    if product.rows == product.columns == 1 and product.inner:
        allocated("temporary of a matmul with one element")
    result = new(shape, np.result_type(a.dtype, b.dtype), "result of matmul") if out is None else out
    if out is not None:
        _check_out(out, shape, a, b)
    with np.errstate(all="ignore"):
        host_of(result)[...] = np.matmul(host_of(a), host_of(b))
    multiplied(product)
    return result


def _of_each_sample(a: ndarray, b: ndarray, out: ndarray | None) -> ndarray:
    """One product a sample, cuBLAS's batched one: CuPy copies operands that are not C-contiguous, and may."""
    if a.ndim == 1 or b.ndim == 1:
        raise NotImplementedError("the stand-in knows no products of vectors with stacks of matrices")
    if a.dtype != b.dtype:
        fault(f"matmul: {a.dtype} times {b.dtype}: CuPy converts one of them first")
    for name, operand in {"a": a, "b": b}.items():
        if not operand.flags.c_contiguous:
            allocated(f"copy of matmul's operand {name}")
    value = np.matmul(host_of(a), host_of(b))
    result = new(value.shape, value.dtype, "result of matmul") if out is None else out
    if out is not None:
        _check_out(out, value.shape, a, b)
    host_of(result)[...] = value
    multiplied(Product(value.shape[0] * value.shape[1], a.shape[-1], value.shape[2]))
    return result


def _shapes(a: ndarray, b: ndarray) -> tuple[tuple[int, ...], Product]:
    """The result's shape, and the sizes of the product."""
    rows, columns = a.shape[:-1], b.shape[1:]
    if a.shape[-1] != b.shape[0]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not match")
    return (*rows, *columns), Product(math.prod(rows), a.shape[-1], math.prod(columns))


def _check_out(out: ndarray, shape: tuple[int, ...], a: ndarray, b: ndarray) -> None:
    if not isinstance(out, ndarray):
        raise TypeError(f"matmul: out is a {type(out).__name__}, not a device array")
    if out.shape != shape:
        raise ValueError(f"matmul: out has shape {out.shape}, the product {shape}")
    if out.dtype != np.result_type(a.dtype, b.dtype):
        allocated("temporary for matmul's out")
        fault(f"matmul: out is {out.dtype}, the product {np.result_type(a.dtype, b.dtype)}")
    if not out.flags.c_contiguous:
        allocated("temporary for matmul's out")
        fault(f"matmul: out of strides {out.strides} is not C-contiguous")
    if np.may_share_memory(host_of(out), host_of(a)) or np.may_share_memory(host_of(out), host_of(b)):
        allocated("temporary for matmul's out")
        fault("matmul: out overlaps an operand")
