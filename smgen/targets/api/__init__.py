"""The functions that users of a module call, as Python source: each checks arguments and runs an internal one."""

from __future__ import annotations

from collections.abc import Iterator

from smgen.ir import public_losses
from smgen.targets.api.derivatives import derivative
from smgen.targets.api.losses import losses_of
from smgen.targets.api.parts import ApiFunction
from smgen.targets.build_info import BuildInfo

__all__ = ["ApiFunction", "api_functions"]


def api_functions(info: BuildInfo) -> Iterator[ApiFunction]:
    """The functions of a module in order, with the helpers that several of them call."""
    for public in info.public:
        if len(public.runs) == 1:
            yield derivative(info, public)
    for objective in info.objectives:
        losses = public_losses(objective)
        if set(losses.all) & set(info.public):
            yield from losses_of(info, losses)
