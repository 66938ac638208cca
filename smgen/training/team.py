"""Several processes that train one model: each on its share of the samples, with sums over all in a fixed order."""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Team(Protocol):
    """The processes of a run. `rank` is the number of this one, `size` that of all."""

    rank: int
    size: int

    def mean(self, vector: Array) -> Array:
        """The mean over all of a vector of each process; the same bits everywhere."""
        ...

    def agree(self, number: float, flag: bool) -> tuple[float, bool]:
        """The mean of a number of each, and whether any raised the flag."""
        ...

    def joined(self, part: Array) -> Array:
        """The parts of all, one after the other."""
        ...


class Alone:
    """One process."""

    rank, size = 0, 1

    def mean(self, vector: Array) -> Array:
        """The vector."""
        return vector

    def agree(self, number: float, flag: bool) -> tuple[float, bool]:
        """Both as they are."""
        return number, flag

    def joined(self, part: Array) -> Array:
        """The part."""
        return part


class Ranks:
    """The processes that `mpiexec` started, by mpi4py.

    To add up a vector, each process gets its slice of it from all, adds them in the order of the ranks, and gives the
    sum to all. That moves as little as MPI's own Allreduce, 2 (n − 1)/n of the vector in and out, but MPI leaves the
    order open, and with it the last bits.
    """

    def __init__(self) -> None:
        from mpi4py import MPI

        self._comm: Any = MPI.COMM_WORLD
        self.rank, self.size = self._comm.rank, self._comm.size

    def mean(self, vector: Array) -> Array:
        """The mean of the vectors of all processes."""
        length = -(-vector.size // self.size)
        padded = np.zeros(length * self.size, vector.dtype)
        padded[: vector.size] = vector
        slices = np.empty((self.size, length), vector.dtype)
        self._comm.Alltoall(padded, slices)
        total = slices[0].copy()
        for part in slices[1:]:
            total += part
        total /= self.size
        self._comm.Allgather(total, padded)
        return padded[: vector.size]

    def agree(self, number: float, flag: bool) -> tuple[float, bool]:
        """The mean of a number of each, and whether any raised the flag."""
        pairs = np.empty((self.size, 2))
        self._comm.Allgather(np.array([number, float(flag)]), pairs)
        return sum(pairs[:, 0].tolist()) / self.size, bool(pairs[:, 1].any())

    def joined(self, part: Array) -> Array:
        """The parts of all processes in the order of the ranks."""
        return np.concatenate(self._comm.allgather(part))


def team() -> Team:
    """The processes of `mpiexec -n N python -m mpi4py …`, or this one alone.

    mpi4py is looked for only where it runs the program: to import it would start MPI.
    """
    if "mpi4py" not in sys.modules:
        return Alone()
    ranks = Ranks()
    return ranks if ranks.size > 1 else Alone()
