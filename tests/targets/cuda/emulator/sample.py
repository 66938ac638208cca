"""The kernels of sample.cu against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.targets.cuda.emulator.emulator import Emulator

Array = npt.NDArray[Any]
SOURCE: Final = Path(__file__).with_name("sample.cu").read_text(encoding="utf-8")


def ceil(a: int, b: int) -> int:
    return -(-a // b)


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def poisoned(*shape: int, dtype: str = "float32") -> Array:
    return np.full(shape, np.nan, dtype)


def forward_experts(emulator: Emulator, rows: int, name: str = "forward_experts") -> None:
    g, f, f_second = random(rows, 288), poisoned(rows, 288), poisoned(rows, 288)
    columns = 288 if name == "forward_experts" else 72
    emulator.launch(name, (ceil(columns, 64), min(ceil(rows, 4), 5)), (64, 4), (g, f, f_second, np.int32(rows)))
    np.testing.assert_allclose(f, np.tanh(g.astype(float)), rtol=1e-6)
    np.testing.assert_allclose(f_second, 1 - np.tanh(g.astype(float)) ** 2, atol=1e-6)


def forward_experts_x4(emulator: Emulator, rows: int) -> None:
    forward_experts(emulator, rows, "forward_experts_x4")


def loss_x(emulator: Emulator, rows: int) -> None:
    delta, delta_prime, out = random(rows, 144), random(rows, 144, seed=1), poisoned(rows, 144)
    grid = (ceil(144, 64), min(ceil(rows, 4), 3))
    squares, primes = poisoned(*grid, dtype="float64"), poisoned(*grid, dtype="float64")
    lam = np.float32(0.1)
    emulator.launch("loss_x", grid, (64, 4), (delta, delta_prime, out, squares, primes, lam, np.int32(rows)))
    np.testing.assert_array_equal(out, 2 * lam * delta_prime - 1)
    np.testing.assert_allclose(squares.sum(), np.sum((delta * delta).astype(float)), rtol=1e-12)
    np.testing.assert_allclose(primes.sum(), np.sum(delta_prime.astype(float)), rtol=1e-10)


def finish_loss(emulator: Emulator, blocks: int) -> None:
    partial, J = random(blocks).astype(float), poisoned(dtype="float64")
    emulator.launch("finish_loss", (1,), (256,), (partial, np.int32(blocks), J, np.float64(0.1), np.int32(7)))
    np.testing.assert_allclose(J, 0.5 * partial.sum() / 7, rtol=1e-10)


def column_sum(emulator: Emulator, rows: int, columns: int = 37, chunks: int = 3) -> None:
    src, out = random(rows, columns + 2), poisoned(chunks, columns)
    sizes = (np.int32(rows), np.int32(columns), np.int32(columns + 2))
    emulator.launch("column_sum", (ceil(columns, 32), chunks), (32, 8), (src, out, *sizes))
    chunk = np.arange(rows) // 8 % chunks
    expected = [src[chunk == c, :columns].astype(float).sum(0) for c in range(chunks)]
    np.testing.assert_allclose(out, expected, atol=1e-4)


def row_sum(emulator: Emulator, rows: int) -> None:
    src, out = random(rows, 37), poisoned(rows)
    emulator.launch(
        "row_sum", (min(ceil(rows, 8), 4),), (32, 8), (src, out, np.int32(rows), np.int32(37), np.int32(37))
    )
    np.testing.assert_allclose(out, src.astype(float).sum(1), atol=1e-5)


KERNELS: Final[tuple[Callable[[Emulator, int], None], ...]] = (
    *(forward_experts, forward_experts_x4, loss_x, finish_loss, column_sum, row_sum),
)
