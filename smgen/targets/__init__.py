"""The table of targets. A target is a folder, its templates, and a row here."""

from __future__ import annotations

from typing import Final

from smgen.targets.c.target import CTarget
from smgen.targets.cuda.target import CudaTarget
from smgen.targets.numpy.target import NumpyTarget
from smgen.targets.protocol import Target

TARGETS: Final[dict[str, Target]] = {"numpy": NumpyTarget(), "c": CTarget(), "cuda": CudaTarget()}
"""All targets, by name. Extensions may add theirs."""

DTYPES: Final = ("float32", "float64")
