"""The passes of the NumPy target: algebra, then single machine operations on tiles of rows."""

from __future__ import annotations

from typing import Final

from smgen.passes.elementary import elementary
from smgen.passes.prune import prune
from smgen.passes.reuse_operations import reuse_operations
from smgen.passes.scale_by_single_unit import scale_by_single_unit
from smgen.passes.skip_folds import skip_folds
from smgen.passes.skip_input_products import skip_input_products
from smgen.passes.spell_patches import spell_patches
from smgen.passes.stabilise import stabilise
from smgen.passes.tile import tile
from smgen.targets.pipeline import Pipeline

PIPELINE: Final = Pipeline(
    algebra=lambda size: (
        prune,
        skip_folds,
        skip_input_products(size),
        reuse_operations,
        prune,
        scale_by_single_unit,
    ),
    form=(spell_patches, reuse_operations, stabilise, tile, elementary),
)
