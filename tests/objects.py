"""Objects of all kinds to hand to functions that want something else, and what a function may say to one."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np


class Hostile:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __len__ = __bool__ = __iter__ = __float__ = __int__ = __index__ = __array__ = __repr__


def objects(rng: np.random.Generator) -> list[Any]:
    """Those that are always the same, and some that vary."""
    strided = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (3, 4), (0, 0))
    return [
        None, ..., NotImplemented, True, False, 0, 1, -1, 2**40, 2**63, 2**64, 10**400, -(10**400), 0.5, -0.5, -0.0,
        float("nan"), float("inf"), 1e300, 1j, "", "a", "0.1", b"a", bytearray(b"xy"), memoryview(b"ab"), [], [1.0],
        [[1], [2, 3]], [[1.0, 2.0]], [Hostile()], (), (1, 2), {}, {"a": 1}, {"a": Hostile()}, set(), range(3), dict,
        iter([1]), (n for n in [1]), slice(None), object(), Hostile(), Hostile, int, len, lambda: 1, Decimal("0.1"),
        Fraction(1, 3), np, np.random, np.random.Generator, np.random.default_rng(0), np.random.RandomState(0),
        np.float32(0.5), np.float64(0.5), np.float64("nan"), np.int64(-3), np.uint8(2), np.bool_(True),
        np.datetime64("now"), np.array(0.5), np.array([0.5]), np.array("a"), np.array(None), strided, np.ma.masked,
        np.ma.array([1.0], mask=[True]), np.eye(2).view(np.matrix), np.zeros((2, 4), np.float32).view(np.recarray),
        *varying(rng),
    ]  # fmt: skip


def varying(rng: np.random.Generator) -> list[Any]:
    """Arrays, masked arrays and lists, of other shapes and dtypes at every call."""
    shape = tuple(int(n) for n in rng.integers(0, 5, size=int(rng.integers(0, 4))))
    numbers = rng.standard_normal(shape)
    kinds = [
        "f2",
        "f4",
        "f8",
        "f16",
        "i1",
        "i8",
        "u8",
        "c8",
        "c16",
        "?",
        "O",
        "S3",
        "U2",
        "M8[s]",
        "m8[s]",
        "V5",
        ">f4",
        ">f8",
    ]
    masked = np.ma.array(numbers, mask=rng.random(shape) < 0.5)
    return [np.zeros(shape, str(rng.choice(kinds))), numbers, numbers.astype(np.float32), numbers.tolist(), masked]


def answers(call: Callable[..., Any], argument: str, *args: Any, **keywords: Any) -> None:
    """The call succeeds, or its error begins with the argument's name; no other error is raised, and none is long.

    `argument` is a regular expression: several may be to blame.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            call(*args, **keywords)
    except (ValueError, TypeError, MemoryError) as error:
        complaint = str(error)
        assert re.match(rf"{argument}\b", complaint), f"{call.__name__}, {argument}: {complaint[:2000]}"
        assert len(complaint) < 2000
