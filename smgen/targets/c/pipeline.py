"""The passes of the C target: algebra, then loops over tiles of rows, and products that add to their results."""

from __future__ import annotations

from typing import Final

from smgen.passes.accumulate import accumulate
from smgen.passes.aliases import aliases
from smgen.passes.copy_slices import copy_moved_slices
from smgen.passes.fuse import fuse_with_tangent_sums
from smgen.passes.prune import prune
from smgen.passes.recompute import recompute
from smgen.passes.reuse_operations import reuse_operations
from smgen.passes.reuse_subexpressions import reuse_subexpressions
from smgen.passes.scale_by_single_unit import scale_by_single_unit
from smgen.passes.skip_folds import skip_folds
from smgen.passes.skip_input_products import skip_input_products
from smgen.passes.slide import slide
from smgen.passes.split_loops import split_loops
from smgen.passes.tile import tile
from smgen.targets.pipeline import Pipeline

PIPELINE: Final = Pipeline(
    algebra=lambda size: (
        prune,
        skip_folds,
        skip_input_products(size),
        aliases,
        reuse_operations,
        prune,
        scale_by_single_unit,
        accumulate,
    ),
    form=(slide, recompute, prune, tile, fuse_with_tangent_sums, split_loops, reuse_subexpressions, copy_moved_slices),
)
