"""Convolutions of patches are the windows and products that they are written as, and what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

import smgen as sm
from smgen.hessians import Method, lower
from smgen.ir import PatchProduct
from smgen.network import Network
from smgen.passes import run
from smgen.passes.slide import slide
from smgen.passes.spell_patches import spell_patches
from tests.interpreter import interpret
from tests.passes.test_meaning import inputs_of
from tests.support import assert_close, given_buffers

OPTIONS = [
    {"stride": 2, "padding": 1},
    {"dilation": 2},
    {"padding": 1, "padding_mode": "circular"},
]


def chain(options: dict[str, object]) -> Network:
    round_about = {key: value for key, value in options.items() if "padding_mode" in options}
    h = sm.softplus(sm.conv1d(sm.input((2, 20)), 3, 3, **round_about))  # type: ignore[arg-type]
    h = sm.tanh(sm.conv1d(h, 2, 3, **options))  # type: ignore[arg-type]
    return Network(energy=sm.sigmoid(sm.conv1d(h, 9, 2)))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_patches_spelled_out(options: dict[str, object]) -> None:
    network = chain(options)
    forms = set()
    for schedule in lower(network, Method("exact")):
        patches = [op for op in schedule.ops if isinstance(op, PatchProduct)]
        if not patches:
            continue
        forms |= {op.form for op in patches}
        inputs = inputs_of(network, 0.0 if schedule.function.lam == "zero" else 0.3)
        inputs |= given_buffers(schedule, inputs["N"])
        expected = interpret(schedule, inputs)
        for apply in (spell_patches, slide):
            after = run(schedule, (apply,))
            assert after != schedule
            assert apply is slide or not any(isinstance(op, PatchProduct) for op in after.ops)
            for name, value in interpret(after, inputs).items():
                assert_close(value, expected[name], 1e-12, f"{schedule.name}: {name}")
                assert np.isfinite(value).all()
    assert len(forms) == 3
