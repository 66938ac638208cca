"""What every backend is told about the module it emits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smgen.exactness import Verdict
from smgen.ir import Shape


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a build that end up in the module's header and `METADATA`."""

    name: str
    file: str
    description: str
    fingerprint: str
    template_fingerprint: str
    generator: str
    command: str
    backend: str
    dtype: str
    hessian: str
    batch_size: int
    verdict: Verdict
    parameters: Mapping[str, tuple[int, ...]]
    units: int

    @property
    def metadata(self) -> dict[str, str | bool | int]:
        """`METADATA` of the generated module; its order is the order in the file."""
        return {
            "network": self.name,
            "description_sha256": self.fingerprint,
            "template_sha256": self.template_fingerprint,
            "generator": self.generator,
            "backend": self.backend,
            "dtype": self.dtype,
            "hessian": self.hessian,
            "batch_size": self.batch_size,
            "exact": self.verdict.exact,
            "reason": self.verdict.reason,
        }


def shape_text(shape: Shape) -> str:
    """A shape as Python source."""
    dims = [f'"{dim}"' if isinstance(dim, str) else str(dim) for dim in shape]
    return f"({', '.join(dims)}{',' * (len(shape) == 1)})"
