"""Arguments of layers on arrays that do not fit: each is refused where it is written, and says which node and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from smgen.errors import NetworkError
from tests.network.refusals import refusal

X = "<reshape 'image' of shape (2, 5, 6), net.py:6>"
LINE = "<reshape 'line' of shape (2, 6), net.py:7>"
THETA = "<parameter of shape (2, 3), net.py:9>"
SETUP = (
    "image = sm.reshape(sm.linear(h, 60), (2, 5, 6), name='image')\n"
    "line = sm.reshape(sm.linear(h, 12), (2, 6), name='line')\n"
    "row = sm.linear(h, 6)\n"
)
IMAGE = "sm.{} takes a node of shape (C, H, W); got "
OF_LINE = "sm.{} takes a node of shape (C, L); got "
WHOLE = "sm.{} takes a whole number of at least {} as {}"
ODD = ("0", "-1", "True", "3.0", "'3'", "None", "()", "(3, 3, 3)", "(3, True)", "image", "numpy.array([3, 3])")
"""What is no number of places, nor a pair of them."""
ODD_ONE = (*ODD, "(3,)", "[3]")
"""What is no number at all."""


def refused(function: str, argument: str, call: str, values: tuple[str, ...], least: int = 1) -> list[tuple[str, str]]:
    """Each value at the place of {} in a call."""
    return [(call.format(value), WHOLE.format(function, least, argument)) for value in values]


CONVOLUTIONS = [
    ("sm.conv2d(image, 4, 7)", f"a window of 7 places does not fit on axis 1 of {X}, which has 5 with its padding"),
    ("sm.conv2d(image, 4, (3, 9), padding=1)", f"a window of 9 places does not fit on axis 2 of {X}, which has 8 with"),
    ("sm.conv2d(image, 4, 3, dilation=(1, 3))", f"a window of 7 places does not fit on axis 2 of {X}"),
    ("sm.conv1d(line, 4, 3, dilation=3)", f"sm.conv1d: a window of 7 places does not fit on axis 1 of {LINE}"),
    *refused("conv2d", "out_channels", "sm.conv2d(image, {}, 3)", ODD_ONE),
    *refused("conv2d", "kernel_size", "sm.conv2d(image, 4, {})", ODD),
    *refused("conv2d", "stride", "sm.conv2d(image, 4, 3, stride={})", ODD),
    *refused("conv2d", "dilation", "sm.conv2d(image, 4, 3, dilation={})", ODD),
    *refused("conv2d", "groups", "sm.conv2d(image, 4, 3, groups={})", ODD_ONE),
    *refused("conv2d", "padding", "sm.conv2d(image, 4, 3, padding={})",
             tuple(value for value in ODD if value not in ("0", "'3'")), 0),
    *refused("conv1d", "kernel_size", "sm.conv1d(line, 4, {})", ("(3, 3)", "0", "'a'")),
    *((f"sm.conv2d(image, 4, 3, padding={text!r})", f'places, "valid" or "same" as padding; got {text!r}')
      for text in ("full", "reflect", "")),
    ("sm.conv2d(image, 4, 3, padding='same', stride=2)", 'padding="same" is for stride 1, as in torch; got stride=(2'),
    *((f"sm.conv2d(image, 4, 3, padding_mode={mode})", "'zeros', 'reflect', 'replicate', 'circular' as padding_mode")
      for mode in ("'constant'", "None", "0", "['zeros']", "image", "numpy.zeros(2)")),
    ("sm.conv2d(image, 4, 3, padding=5, padding_mode='reflect')",
     f"reflect padding of axis 1 of {X} takes at most 4 places; got 5"),
    ("sm.conv2d(image, 4, 3, padding=(5, 7), padding_mode='circular')",
     f"circular padding of axis 2 of {X} takes at most 6 places; got 7"),
    ("sm.conv1d(line, 4, 14, padding='same', padding_mode='circular')",
     f"circular padding of axis 1 of {LINE} takes at most 6 places; got 7"),
    ("sm.conv2d(image, 4, 3, groups=3)", f"groups=3 must divide the 2 channels of {X} and the 4 that go out"),
    ("sm.conv2d(image, 3, 3, groups=2)", f"groups=2 must divide the 2 channels of {X} and the 3 that go out"),
    ("sm.conv2d(line, 4, 3)", IMAGE.format("conv2d") + LINE),
    ("sm.conv2d(image, 10**12, 3)", "(1000000000000, 2, 3, 3), net.py:9> has 18,000,000,000,000 numbers"),
    ("sm.conv2d(image, 4, 1, padding=10**6)", "has 16,000,088,000,120 numbers"),
    ("sm.conv2d(row, 4, 3)", IMAGE.format("conv2d") + "<linear of 6 units"),
    ("sm.conv1d(image, 4, 3)", OF_LINE.format("conv1d") + X),
    ("sm.conv2d(sm.reshape(image, (2, 5, 3, 2)), 4, 3)", IMAGE.format("conv2d")),
    ("sm.conv2d(sm.parameter((2, 3)), 4, 3)", f"sm.conv2d takes nodes that depend on x or on a condition; got {THETA}"),
    ("sm.conv2d([image], 4, 3)", "sm.conv2d takes a node; got ["),
    ("sm.conv2d(None, 4, 3)", "sm.conv2d takes a node; got None"),
    *((f"sm.conv2d(image, 4, 3, bias={bias})", "bias must be True or False; got ") for bias in ("None", "1", "'no'")),
    *((f"sm.conv2d(image, 4, 3, weights={node})", "weights= takes a node of shape (4, 2, 3, 3) that depends on")
      for node in ("image", "sm.parameter((4, 2, 3))", "sm.parameter((2, 4, 3, 3))")),
    ("sm.conv2d(image, 4, 3, groups=2, weights=sm.parameter((4, 2, 3, 3)))", "takes a node of shape (4, 1, 3, 3)"),
    ("sm.conv2d(image, 4, 3, weights='a b')", "weights must be an ASCII Python identifier"),
    ("sm.conv2d(image, 4, 3, weights=numpy.ones((4, 2, 3, 3)))", "weights= takes a name or a node; got ndarray"),
    ("sm.conv2d(image, 4, 3, stride=10**20)", "sm.conv2d: stride is at most 2,147,483,647"),
    ("sm.conv2d(image, 4, 3, padding=10**9)", f"2,000,000,005 places on axis 1 of {X} are too many"),
    ("sm.conv_transpose2d(image, 4, 3, stride=10**9)", f"4,000,000,003 places on axis 1 of {X} are too many"),
    ("[sm.conv1d(line, 4, 3, weights='w'), sm.conv1d(line, 4, 2, weights='w')]", "has weight (4, 2, 2)"),
    ("[sm.conv1d(line, 4, 3, weights='w'), sm.linear(line, 4, weights='w')]", "has weight (4, 6)"),
]  # fmt: skip

TRANSPOSED = [
    ("sm.conv_transpose2d(image, 4, 3, output_padding=1)",
     f"axis 1 of {X} would get 8 places with stride=1, padding=0 and output_padding=1"),
    ("sm.conv_transpose2d(image, 4, 3, stride=(2, 1), output_padding=(2, 0))", f"axis 1 of {X} would get 13 places"),
    ("sm.conv_transpose1d(line, 4, 3, padding=4)", f"axis 1 of {LINE} would get 0 places with stride=1, padding=4"),
    ("sm.conv_transpose2d(image, 4, 3, groups=4)", f"groups=4 must divide the 2 channels of {X} and the 4 that go out"),
    ("sm.conv_transpose2d(line, 4, 3)", IMAGE.format("conv_transpose2d") + LINE),
    ("sm.conv_transpose1d(image, 4, 3)", OF_LINE.format("conv_transpose1d") + X),
    *refused("conv_transpose2d", "output_padding", "sm.conv_transpose2d(image, 4, 3, stride=9, output_padding={})",
             ("-1", "'1'", "None", "1.0"), 0),
    *refused("conv_transpose2d", "padding", "sm.conv_transpose2d(image, 4, 3, padding={})", ("'same'", "-1"), 0),
    *refused("conv_transpose1d", "groups", "sm.conv_transpose1d(line, 4, 3, groups={})", ("0", "None", "(2,)")),
    *refused("conv_transpose1d", "out_channels", "sm.conv_transpose1d(line, {}, 3)", ("0", "None", "(2,)")),
    ("sm.conv_transpose2d(image, 4, 3, weights=sm.parameter((4, 2, 3, 3)))", "takes a node of shape (2, 4, 3, 3)"),
]  # fmt: skip

POOLS = [
    ("sm.avg_pool2d(image, 6)", f"windows of 6 places, and 0 of padding, do not fit on axis 1 of {X}"),
    ("sm.avg_pool2d(image, 3, padding=(1, 2))", f"windows of 3 places, and 2 of padding, do not fit on axis 2 of {X}"),
    ("sm.sum_pool(line, 7)", f"windows of 7 places, and 0 of padding, do not fit on axis 1 of {LINE}"),
    ("sm.avg_pool2d(line, 2)", IMAGE.format("avg_pool2d") + LINE),
    ("sm.avg_pool1d(image, 2)", OF_LINE.format("avg_pool1d") + X),
    ("sm.sum_pool(row, 2)", OF_LINE.format("sum_pool") + "<linear of 6 units"),
    ("sm.upsample(row, 2)", OF_LINE.format("upsample") + "<linear of 6 units"),
    ("sm.upsample(image, 10**9)", f"sm.upsample: 5,000,000,000 places on axis 1 of {X} are too many"),
    ("sm.upsample(image, (1, 10**6))", f"6,000,000 places on axis 2 of {X} are too many"),
    ("sm.sum_pool(None, 2)", "sm.sum_pool takes a node; got None"),
    *refused("avg_pool2d", "kernel_size", "sm.avg_pool2d(image, {})", ODD),
    *refused("avg_pool2d", "stride", "sm.avg_pool2d(image, 2, {})", ("0", "2.0", "'2'", "(1, 1, 1)")),
    *refused("avg_pool2d", "padding", "sm.avg_pool2d(image, 2, padding={})", ("-1", "None", "'same'"), 0),
    *refused("upsample", "scale_factor", "sm.upsample(image, {})", ODD),
    *((f"sm.upsample(image, 2, {mode})", 'sm.upsample takes "nearest" or "linear" as mode; got ')
      for mode in ("'bilinear'", "None", "['linear']", "3")),
]  # fmt: skip

AXES = [
    *((f"sm.{f}(image, {axis})", f"sm.{f} takes axes from -3 to 2 for {X}; got {axis}")
      for f in ("sum", "mean") for axis in ("3", "-4", "(0, 3)", "()", "'0'", "1.0", "True", "[[0]]")),
    ("sm.sum(image, (0, -3))", f"sm.sum takes each axis of {X} once; got (0, -3)"),
    *((f"sm.sum(image, 0, keepdims={flag})", "True or False as keepdims; got ") for flag in ("1", "None", "'no'")),
    ("sm.sum(sm.parameter((2, 3)))", f"sm.sum takes nodes that depend on x or on a condition; got {THETA}"),
    ("sm.permute(image, (0, 1))", f"sm.permute takes all 3 axes of {X}; got (0, 1)"),
    ("sm.permute(image, (0, 1, 1))", f"sm.permute takes each axis of {X} once; got (0, 1, 1)"),
    *((f"sm.permute(image, {axes})", f"sm.permute takes axes from -3 to 2 for {X}; got {axes}")
      for axes in ("(0, 1, 3)", "'012'", "(0, 1, 2.0)", "()")),
    *((f"sm.reshape(image, {shape})", f"sm.reshape({X}, {shape}): the shape must have 60 units")
      for shape in ("61", "(7, -1)", "(-1, -1)", "(0, -1)", "()", "None", "'60'", "(2, 30.0)", "(-2, -30)")),
    ("sm.pad(image, (10**9, 0))", f"sm.pad: 1,000,000,006 places on axis 2 of {X} are too many"),
    *((f"sm.{f}", "100,000,000 places on axis ")
      for f in ("sum(sm.input(10**8))", "logsumexp(sm.input(10**8))", "input(10**8)[::2]",
                "input((1, 10**8)) * sm.input((3, 1))", "avg_pool1d(sm.input((1, 10**8)), 2)",
                "conv1d(sm.input((1, 10**8)), 4, 3)")),
    ("sm.pad(image, (-3, -3))", f"sm.pad: nothing is left of axis 2 of {X}"),
    ("sm.pad(image, (0, 0, -6, 2), 'reflect')", f"sm.pad: nothing is left of axis 1 of {X}"),
    ("sm.pad(image, (6, 0), 'reflect')", f"reflect padding of axis 2 of {X} takes at most 5 places; got 6"),
    ("sm.pad(image, (-4, 3), 'circular')", f"circular padding of axis 2 of {X} takes at most 2 places; got 3"),
    *((f"sm.pad(image, {pad})", f"(before, after) of the last axis, then of the one before it, …; got {pad}")
      for pad in ("1", "(1,)", "(1, 1, 1)", "(1, 1, 1, 1, 1, 1, 1, 1)", "()", "None", "'11'", "(1.0, 1)", "(True, 1)")),
    ("sm.pad(image, (1, 1), 'constant')", "'zeros', 'reflect', 'replicate', 'circular' as mode; got 'constant'"),
    *((f"sm.{f}(sm.parameter((2, 3)){rest})", f"sm.{f} takes nodes that depend on x or on a condition; got {THETA}")
      for f, rest in (("flatten", ""), ("reshape", ", 6"), ("permute", ", (1, 0)"), ("pad", ", (1, 1)"))),
]  # fmt: skip

PARTS = [
    *((f"image[{index}]", f"axis 0 of {X} has the places 0 to 1; none of them is {index}")
      for index in ("2", "-3", "2.0", "'a'", "None", "True", "[0, 1]", "2:", "1:1", "::0", "0.5:")),
    ("image[:, 5]", f"axis 1 of {X} has the places 0 to 4; none of them is 5"),
    ("image[:, :, :, 0]", f"{X} has 3 axes, without the batch; got the index "),
    ("image[..., ...]", f"{X} has 3 axes, without the batch; got the index "),
    ("image[image]", f"axis 0 of {X} has the places 0 to 1; none of them is <reshape"),
    ("sm.parameter((2, 3))[0]", f"takes nodes that depend on x or on a condition; got {THETA}"),
]  # fmt: skip

TOGETHER = [
    ("sm.concat(image, line)", f"sm.concat takes nodes whose axes are equal but for axis 0; got {X}, {LINE}"),
    ("sm.concat(image, image[:, 1:])", f"sm.concat takes nodes whose axes are equal but for axis 0; got {X}, <slice"),
    ("sm.concat(image, image[1:], axis=2)", "sm.concat takes nodes whose axes are equal but for axis 2"),
    *((f"sm.concat(image, image, axis={axis})", f"sm.concat takes axes from -3 to 2 for {X}; got ")
      for axis in ("3", "-4", "None", "(0,)", "'0'", "1.0", "True")),
    ("sm.concat(image, image, 1)", "sm.concat takes a node; got 1"),
    ("image + line", f"add takes nodes and parameters whose shapes broadcast, as NumPy's do; got {X}, {LINE}"),
    ("image * sm.parameter((3, 1, 1))", f"whose shapes broadcast, as NumPy's do; got {X}, <parameter of shape (3"),
    ("image * sm.parameter((2, 5))", f"whose shapes broadcast, as NumPy's do; got {X}, <parameter of shape (2, 5)"),
    ("sm.linear(image, 4, weights=sm.parameter((4, 5)))", "weights= takes a node of shape (4, 6)"),
    ("image * numpy.ones(6)", "an operator takes nodes and finite numbers; got array"),
]  # fmt: skip


EPS = ("0", "-1e-3", "None", "'a'", "float('nan')", "image", "numpy.ones(2)")
ACROSS = [
    *((f"sm.{f}(image, {axis})", f"sm.{f} takes axes from -3 to 2 for {X}; got ")
      for f in ("logsumexp", "softmax") for axis in ("3", "-4", "None", "(0, 1)", "'0'", "1.0", "True")),
    *((f"sm.{f}(sm.parameter((2, 3)){rest})", f"sm.{f} takes nodes that depend on x or on a condition; got {THETA}")
      for f, rest in (("logsumexp", ""), ("softmax", ""), ("norm", ", eps=1"), ("layer_norm", ""),
                      ("group_norm", ", 1"), ("l2_pool", ", 2, eps=1"))),
    *((f"sm.{f}(None{rest})", f"sm.{f} takes a node; got None")
      for f, rest in (("logsumexp", ""), ("softmax", ""), ("norm", ", eps=1"), ("layer_norm", ""),
                      ("group_norm", ", 1"), ("l2_pool", ", 2, eps=1"))),
    *((f"sm.{f}(image, {first}eps={eps})", f"sm.{f} takes a number greater than 0 as eps; got ")
      for f, first in (("norm", ""), ("layer_norm", ""), ("group_norm", "1, "), ("l2_pool", "2, "))
      for eps in EPS),
    ("sm.norm(image, (0, 0), eps=1)", f"sm.norm takes each axis of {X} once; got (0, 0)"),
    ("sm.l2_pool(image, eps=1)", "sm.l2_pool takes kernel_size= for windows, or groups= for groups"),
    ("sm.l2_pool(image, 2, groups=2, eps=1)", "sm.l2_pool takes kernel_size= for windows, or groups= for groups"),
    ("sm.l2_pool(image, groups=3, eps=1)", f"sm.l2_pool: 3 groups do not divide the 2 channels of {X}"),
    ("sm.l2_pool(row, 2, eps=1)", "takes a node of shape (C, L); got <"),
    ("sm.group_norm(image, 4)", f"sm.group_norm: 4 groups do not divide the 2 channels of {X}"),
    *refused("group_norm", "num_groups", "sm.group_norm(image, {})", ODD_ONE),
    *((f"sm.layer_norm(image, {shape})", f"sm.layer_norm takes the last axes of {X} as normalized_shape; got {shape}")
      for shape in ("5", "(2, 5)", "(6, 5)", "()", "(1, 2, 5, 6)", "'a'", "6.0", "(5, 6.0)")),
]  # fmt: skip

PRODUCTS = [
    *((f"sm.matmul({a}, {b})", "sm.matmul takes nodes of shape (…, I, K) and (…, K, J); got <")
      for a, b in (("image", "image"), ("line", "line"), ("line", "row"), ("row", "row"), ("image", "line"),
                   ("line", "sm.reshape(image, (6, 10))[:5]"))),
    ("sm.matmul(line, sm.parameter((6, 2)))", "sm.matmul takes nodes that depend on x or on a condition; got <par"),
    ("sm.matmul(line, 2)", "sm.matmul takes a node; got 2"),
    ("row * sm.embedding(row, 3, 6)", "sm.embedding takes a condition of one number a sample, the label; got <linear"),
    ("row * sm.embedding(sm.condition(2), 3, 6)", "sm.embedding takes a condition of one number a sample"),
    ("row * sm.embedding(sm.parameter(1), 3, 6)", "sm.embedding takes a condition of one number a sample"),
    ("row * sm.embedding(None, 3, 6)", "sm.embedding takes a node; got None"),
    *refused("embedding", "count", "row * sm.embedding(sm.condition(), {}, 6)", ODD_ONE),
    *refused("embedding", "width", "row * sm.embedding(sm.condition(), 3, {})", ODD_ONE),
    *((f"row * sm.condition({shape})", f"the shape of a condition is whole numbers of at least 1; got {shape}")
      for shape in ("0", "-1", "(3, 0)", "()", "None", "'a'", "1.0", "True", "(True, 6)")),
    ("row * sm.condition(5)", "whose shapes broadcast, as NumPy's do; got <linear"),
    ("[row, image, line, sm.square(sm.condition())]", "does not depend on x: as an energy it changes no density"),
    ("row * sm.condition(name='a b')", "name must be an ASCII Python identifier"),
    ("row * sm.condition(name='row') * sm.condition(name='row')", "the name 'row' is taken"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("energy", "what"), [*CONVOLUTIONS, *TRANSPOSED, *POOLS, *AXES, *PARTS, *TOGETHER, *ACROSS, *PRODUCTS]
)
def test_refused(tmp_path: Path, energy: str, what: str) -> None:
    error = refusal(tmp_path, SETUP + f"network = sm.Network(energy={energy})\n", 9)
    assert isinstance(error, NetworkError)
    assert what in error.what


@pytest.mark.parametrize("shape", ["(3, 0)", "(3, -1)", "()", "(3.0, 2)", "'ab'", "(True, 2)", "[[1, 2]]", "{3}"])
def test_shapes_of_the_input(tmp_path: Path, shape: str) -> None:
    error = refusal(tmp_path, f"y = sm.input({shape})\n")
    assert f"the shape of x is whole numbers of at least 1; got {shape}" in error.what
