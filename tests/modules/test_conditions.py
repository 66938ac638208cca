"""Conditions as arguments: forms that are taken, and what is said of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.network import Network
from tests.support import Array, Params, module_of, random_case

N = 4


def conditioned() -> Network:
    """A number, a label and an array beside x."""
    x = sm.input((2, 1, 3))
    sigma, label, beside = sm.condition(name="sigma"), sm.condition(name="label"), sm.condition((2, 3), name="beside")
    h = sm.conv2d(x, 2, 1) + sm.reshape(beside, (2, 1, 3)) * sigma
    return Network(energy=sm.softplus(h) * sm.square(sm.reshape(sm.embedding(label, 3, 2), (2, 1, 1))))


MODULES = [("numpy", "diagonal"), ("numpy", "hutchinson"), ("c", "exact")]


@pytest.fixture(params=MODULES, ids="-".join)
def module(request: pytest.FixtureRequest) -> ModuleType:
    backend, mode = request.param
    return module_of(conditioned(), backend=backend, hessian=mode)


def good() -> tuple[Params, Array, dict[str, Any]]:
    params, x = random_case(conditioned(), samples=N)
    rng = np.random.default_rng(1)
    labels = np.array([2.0, 0.0, 1.0, 2.0])
    return params, x, {"sigma": rng.uniform(0.5, 2, N), "label": labels, "beside": rng.normal(size=(N, 2, 3))}


def functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    names = ("energy", "score", "hessian_diagonal", "loss", "loss_terms", "loss_and_grad", "loss_and_grad_terms")
    return {name: getattr(module, name) for name in names}


def called(module: ModuleType, x: Array, **given: Any) -> dict[str, Any]:
    """What every function returns, with the same probes."""
    params = good()[0]
    found = dict[str, Any]()
    for name, function in functions(module).items():
        drawn = {"rng": 3} if module.METADATA["hessian"] == "hutchinson" and name not in ("energy", "score") else {}
        found[name] = function(params, x, **given, **drawn)
    return found


def assert_same(a: Any, b: Any) -> None:
    if isinstance(a, dict):
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, tuple):
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(a, b)


def test_forms_of_arrays(module: ModuleType) -> None:
    _, x, given = good()
    expected = called(module, x, **given)
    forms: dict[str, Callable[[Array], Any]] = {
        "sigma": lambda value: value[:, None], "label": lambda value: value.astype(np.int32),
        "beside": lambda value: value.reshape(N, 6),
    }  # fmt: skip
    for name, form in forms.items():
        assert_same(called(module, x, **given | {name: form(given[name])}), expected)
    others = {"label": given["label"].astype(np.uint8)[:, None], "beside": np.asfortranarray(given["beside"])}
    assert_same(called(module, x, **given | others), expected)
    assert_same(called(module, x, **given | {"sigma": list(given["sigma"])}), expected)


def test_a_number_is_that_of_all_samples(module: ModuleType) -> None:
    _, x, given = good()
    expected = called(module, x, **given | {"sigma": np.full(N, 0.5), "label": np.full(N, 2.0)})
    for sigma, label in ((0.5, 2), (np.float32(0.5), np.int64(2)), (np.array(0.5), np.array(2))):
        assert_same(called(module, x, **given | {"sigma": sigma, "label": label}), expected)


def test_x_as_rows_and_as_an_image(module: ModuleType) -> None:
    _, x, given = good()
    image = x.reshape(N, 2, 1, 3)
    rows, images = called(module, x, **given), called(module, image, **given)
    for name in ("score", "hessian_diagonal"):
        assert rows[name].shape == x.shape
        assert images[name].shape == image.shape
        images[name] = images[name].reshape(x.shape)
    assert_same(images, rows)


def test_nothing_is_changed(module: ModuleType) -> None:
    params, x, given = good()
    before = {name: value.copy() for name, value in (params | given | {"x": x}).items()}
    found = called(module, x, **given)
    found["score"] += 1
    found["hessian_diagonal"] += 1
    for name, value in (params | given | {"x": x}).items():
        np.testing.assert_array_equal(value, before[name])


def test_selftest(module: ModuleType) -> None:
    assert module.selftest()


BAD: dict[str, tuple[str, Any, str]] = {
    "too few": ("sigma", np.ones(N - 1), "sigma: expected shape (4, 1), got (3,)"),
    "too many": ("sigma", np.ones((N, 2)), "sigma: expected shape (4, 1), got (4, 2)"),
    "a row": ("sigma", np.ones((1, N)), "sigma: expected shape (4, 1), got (1, 4)"),
    "no axis of samples": ("beside", np.ones((2, 3)), "beside: expected shape (4, 2, 3), got (2, 3)"),
    "transposed": ("beside", np.ones((N, 3, 2)), "beside: expected shape (4, 2, 3), got (4, 3, 2)"),
    "NaN": ("sigma", np.array([1, np.nan, 1, 1]), "sigma: expected finite values, got nan at [1"),
    "NaN in an array": (
        "beside",
        np.where(np.arange(N * 6).reshape(N, 2, 3) == 8, np.nan, 1),
        "beside: expected finite values, got nan at [1, 0, 2]",
    ),
    "infinite": ("beside", np.inf, "beside: expected finite values, got inf"),
    "complex": ("sigma", np.ones(N, complex), "sigma: expected real numbers, got dtype complex128"),
    "text": ("sigma", "a", "sigma: expected"),
    "None": ("sigma", None, "sigma: expected"),
    "objects": ("sigma", np.array([None] * N), "sigma: expected real numbers, got dtype object"),
    "ragged": ("beside", [[1], [1, 2]], "beside: expected an array of real numbers, got [[1], [1, 2]]"),
    "label out of range": ("label", np.array([0, 1, 3, 2]), "label: expected whole numbers from 0 to 2, got "),
    "negative label": ("label", -1, "label: expected whole numbers from 0 to 2, got -1"),
    "half a label": ("label", np.array([0, 1, 0.5, 2]), "label: expected whole numbers from 0 to 2, got "),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(module: ModuleType, name: str) -> None:
    params, x, given = good()
    argument, value, what = BAD[name]
    for function in functions(module).values():
        with pytest.raises(ValueError, match=re.escape(what)):
            function(params, x, **given | {argument: value})


def test_missing_and_unknown(module: ModuleType) -> None:
    params, x, given = good()
    for function in functions(module).values():
        for name in given:
            with pytest.raises(TypeError, match=name):
                function(params, x, **{key: value for key, value in given.items() if key != name})
        with pytest.raises(TypeError, match="tau"):
            function(params, x, **given, tau=1.0)
