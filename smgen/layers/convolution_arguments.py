"""The arguments of convolutions, checked."""

from __future__ import annotations

from smgen.errors import NetworkError, shortened
from smgen.layers.nodes import Node
from smgen.layers.shapes import number_for, numbers_for


def checked_groups(groups: object, node: Node, out: int, origin: str, function: str) -> int:
    """The number of groups. Raises `NetworkError` unless it divides both numbers of channels."""
    count, channels = number_for("groups", groups, origin, hint="groups=1", function=function), node.shape[0]
    if channels % count or out % count:
        raise NetworkError(
            origin=origin,
            what=f"sm.{function}: groups={count} must divide the {channels} channels of {node} and the {out} that "
            "go out",
            hint=f"groups={channels} has one for each channel, if out_channels is a multiple of {channels}",
        )
    return count


def paddings(
    padding: object,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    origin: str,
    function: str,
    hint: str,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places before and after each axis."""
    if isinstance(padding, str) and padding == "valid":
        return (0,) * len(kernel), (0,) * len(kernel)
    if isinstance(padding, str) and padding == "same":
        if max(strides) > 1:
            raise NetworkError(
                origin=origin,
                what=f'sm.{function}: padding="same" is for stride 1, as in torch; got stride={shortened(strides)}',
                hint="give the number of places: padding=1",
            )
        total = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        return tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)
    if isinstance(padding, str):
        raise NetworkError(
            origin=origin,
            what=f'sm.{function} takes a number of places, "valid" or "same" as padding; got {shortened(padding)}',
            hint='what is outside is chosen by padding_mode="reflect"',
        )
    both = numbers_for("padding", padding, len(kernel), origin, least=0, hint=hint, function=function)
    return both, both
