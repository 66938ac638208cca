"""Which passes each target takes, in order: what backends run, what costs are counted on, what tests check."""

from __future__ import annotations

from typing import Final

from smgen.passes import Pass
from smgen.passes.aliases import aliases
from smgen.passes.contiguous import contiguous
from smgen.passes.elementary import elementary
from smgen.passes.fuse import fuse
from smgen.passes.prune import prune
from smgen.passes.share import share
from smgen.passes.stabilise import stabilise

NUMPY: Final[tuple[Pass, ...]] = (prune, stabilise, elementary)
CUDA: Final[tuple[Pass, ...]] = (prune, aliases, fuse, share, contiguous)
