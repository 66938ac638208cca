"""The passes of the CUDA target: loops that become kernels, over the whole batch, whose size decides nothing."""

from __future__ import annotations

from typing import Final

from smgen.passes.aliases import aliases
from smgen.passes.copy_slices import copy_slices
from smgen.passes.fuse import fuse
from smgen.passes.prune import prune
from smgen.passes.reuse_subexpressions import reuse_subexpressions
from smgen.passes.skip_folds import skip_folds
from smgen.passes.spell_patches import spell_patches
from smgen.targets.pipeline import Pipeline

PIPELINE: Final = Pipeline(
    algebra=lambda _: (skip_folds, prune, aliases), form=(spell_patches, fuse, reuse_subexpressions, copy_slices)
)
