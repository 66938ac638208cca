"""Names of buffers: the next free one where one is taken, and short where many are."""

from __future__ import annotations

import re

from smgen.hessians import Method
from smgen.ir import free_name
from tests.every_kind import EVERY_KIND
from tests.targets.cuda.emitted import module_text


def test_the_next_free_name() -> None:
    taken: set[str] = set()
    for expected in ("delta_h", "delta_h_", "delta_h_2_", "delta_h_3_"):
        assert free_name("delta_h", taken) == expected
        taken.add(expected)


def test_many_segments_from_one_node_have_short_names() -> None:
    """Each of 90 segments once made a view of one row, and the 90th had 90 underscores."""
    text = module_text(EVERY_KIND["functions_across_units"](), "float64", Method(hessian="exact"))
    compile(text, "module", "exec")
    assert not re.search(r"_{4}", text)
    assert "adjoint_of_x = " in text
    assert "adjoint_of_x_ = " not in text
