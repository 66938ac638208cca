"""Rows of weights that are held at unit length while they are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smgen.errors import BuildError, did_you_mean


@dataclass(frozen=True, slots=True)
class Spheres:
    """The parameters of these names: each row w_j, all axes but the first together, has ‖w_j‖ = 1.

    A product of experts needs such a constraint where the data have flat patches: without it some filters grow without
    bound, and others die.
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]) -> Spheres:
        """The spheres of some parameters. Raises `BuildError` for a name that no parameter has, or one without rows."""
        for name in names:
            if name not in shapes:
                what = f"unit_rows: no parameter {name!r}{did_you_mean(name, shapes)}"
                raise BuildError(what=what, hint=f"one of {', '.join(shapes)}")
            if len(shapes[name]) < 2:
                raise BuildError(what=f"unit_rows: {name} has shape {shapes[name]}, no rows", hint="name a weight")
        return cls(names)

    def normalise(self, params: Mapping[str, Any]) -> None:
        """Scale the rows to unit length, in place."""
        for name in self.names:
            params[name][...] /= _lengths(params[name])

    def project(self, params: Mapping[str, Any], gradient: Mapping[str, Any]) -> None:
        """Take the part along w_j off the gradient of each unit row: g_j − w_j (w_j·g_j), in place."""
        for name in self.names:
            w, g = params[name], gradient[name]
            g -= w * (w * g).reshape(len(w), -1).sum(axis=1).reshape(-1, *[1] * (w.ndim - 1))

    def lengths(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """‖w_j‖ of the rows by name, shaped to divide them."""
        return {name: _lengths(params[name]) for name in self.names}


def _lengths(weights: Any) -> Any:
    squares = (weights * weights).reshape(len(weights), -1).sum(axis=1) ** 0.5
    return squares.reshape(-1, *[1] * (weights.ndim - 1))
