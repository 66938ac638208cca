"""Values of every layer on arrays, beside torch's with the same arguments and weights, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import smgen as sm
from smgen.layers.nodes import Node
from smgen.network import Network
from tests.every_mode import BACKENDS
from tests.support import Array, Params, assert_close, module_of, random_case

torch = pytest.importorskip("torch", reason="torch is not installed: /work/bvenv has it")
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
F, nn = torch.nn.functional, torch.nn


def network_of(shape: tuple[int, ...], layer: Callable[[Node], Node]) -> Network:
    """E = Σ factor ∘ g for the value g of the layer."""
    g = layer(sm.input(shape))
    return Network(energy=g * sm.parameter(g.shape, name="factor"))


def value_of(network: Network, params: Params, x: Array, backend: str) -> Array:
    """g, (N, *shape): the energy where the factor is 1 for one unit and 0 for the others."""
    module, shape = module_of(network, backend=backend), network.parameters["factor"]
    units = np.eye(math.prod(shape)).reshape(-1, *shape)
    columns = [module.energy(params | {"factor": unit}, x) for unit in units]
    return np.stack(columns, axis=1).reshape(-1, *shape)


def compare(shape: tuple[int, ...], layer: Callable[[Node], Node], namesake: Callable[..., Any], backend: str) -> None:
    """The values of the layer and of its namesake, which is called with x and the parameters."""
    network = network_of(shape, layer)
    params, x = random_case(network, samples=2)
    own = [torch.from_numpy(value) for key, value in params.items() if key != "factor"]
    expected = namesake(torch.from_numpy(x.reshape(-1, *shape)), *own).numpy()
    assert_close(value_of(network, params, x, backend), expected, 1e-13)


@dataclass(frozen=True)
class Conv:
    """A convolution of (C, L) or (C, H, W), written the same way for both libraries."""

    kind: str
    shape: tuple[int, ...]
    out_channels: int
    kernel_size: Any
    options: dict[str, Any]

    def ours(self, h: Node) -> Node:
        function: Callable[..., Node] = getattr(sm, self.kind)
        return function(h, self.out_channels, self.kernel_size, **self.options)

    def theirs(self) -> Any:
        name = {"conv1d": "Conv1d", "conv2d": "Conv2d"}.get(self.kind, self.kind.title().replace("_", ""))
        name = name.replace("ConvTranspose1D", "ConvTranspose1d").replace("ConvTranspose2D", "ConvTranspose2d")
        options = {"dtype": torch.float64} | self.options
        return getattr(nn, name)(self.shape[0], self.out_channels, self.kernel_size, **options)


def conv(kind: str, shape: tuple[int, ...], out_channels: int, kernel_size: Any, **options: Any) -> Conv:
    return Conv(kind, shape, out_channels, kernel_size, options)


CONVOLUTIONS = [
    conv("conv1d", (2, 7), 3, 3),
    conv("conv1d", (2, 8), 3, 3, stride=2, padding=2, dilation=2, bias=False),
    conv("conv1d", (4, 6), 2, 2, groups=2),
    conv("conv1d", (2, 6), 4, 3, groups=2, padding="same"),
    conv("conv1d", (1, 5), 2, 4, padding="same"),
    conv("conv1d", (1, 6), 2, 4, padding="same", dilation=2, padding_mode="circular"),
    conv("conv1d", (1, 7), 2, 4, padding="same", padding_mode="reflect"),
    conv("conv1d", (1, 5), 2, 2, padding="valid", padding_mode="replicate"),
    *(conv("conv1d", (2, 4), 2, 3, padding=3, padding_mode=mode, stride=2)
      for mode in ("zeros", "reflect", "replicate", "circular")),
    conv("conv1d", (1, 3), 1, 7, padding=3, padding_mode="circular"),
    conv("conv1d", (1, 4), 1, 3, padding=4, dilation=4, padding_mode="circular"),
    conv("conv2d", (2, 4, 5), 3, 3),
    conv("conv2d", (2, 5, 4), 3, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(2, 1)),
    conv("conv2d", (4, 3, 4), 6, 2, groups=2, padding=1),
    conv("conv2d", (3, 3, 3), 6, 3, groups=3, padding="same"),
    conv("conv2d", (2, 3, 4), 1, (2, 3), padding="same"),
    *(conv("conv2d", (2, 3, 4), 2, (3, 2), padding=(1, 2), padding_mode=mode)
      for mode in ("zeros", "reflect", "replicate", "circular")),
    conv("conv2d", (2, 3, 2), 2, 1, stride=2),
    conv("conv_transpose1d", (2, 4), 3, 3),
    conv("conv_transpose1d", (2, 4), 3, 3, stride=3, padding=1, output_padding=2, dilation=2),
    conv("conv_transpose1d", (4, 3), 2, 2, groups=2, bias=False),
    conv("conv_transpose2d", (2, 3, 2), 3, (2, 3)),
    conv("conv_transpose2d", (4, 3, 2), 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2),
    conv("conv_transpose2d", (2, 2, 3), 1, 4, stride=2, padding=1),
]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolutions(case: Conv, backend: str) -> None:
    module = case.theirs()

    def called(x: Any, weight: Any, bias: Any = None) -> Any:
        state = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        module.load_state_dict(state)
        return module(x).detach()

    compare(case.shape, case.ours, called, backend)


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_parameters_have_the_shapes_of_a_state_dict(case: Conv) -> None:
    network = network_of(case.shape, lambda h: case.ours(h))
    (name,) = {key.rpartition(".")[0] for key in network.parameters if key != "factor"}
    expected = {f"{name}.{key}": tuple(value.shape) for key, value in case.theirs().state_dict().items()}
    assert {key: shape for key, shape in network.parameters.items() if key != "factor"} == expected


def bilinear(x: Any, factor: Any) -> Any:
    return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)(x)


LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Node], Node], Callable[..., Any]]] = {
    "avg_pool1d": ((2, 7), lambda h: sm.avg_pool1d(h, 3, 2, 1), lambda x: F.avg_pool1d(x, 3, 2, 1)),
    "avg_pool1d, stride of the kernel": ((2, 7), lambda h: sm.avg_pool1d(h, 2), lambda x: F.avg_pool1d(x, 2)),
    "avg_pool2d": (
        (2, 5, 4), lambda h: sm.avg_pool2d(h, (3, 2), (2, 1), (1, 0)), lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0))
    ),
    "sum_pool": (
        (2, 4, 4), lambda h: sm.sum_pool(h, 2, 1, 1), lambda x: F.avg_pool2d(x, 2, 1, 1, divisor_override=1)
    ),
    "sum_pool of a line": ((2, 6), lambda h: sm.sum_pool(h, 3), lambda x: 3 * F.avg_pool1d(x, 3)),
    "nearest": ((2, 3, 2), lambda h: sm.upsample(h, (2, 3)), lambda x: F.interpolate(x, scale_factor=(2, 3))),
    "nearest of a line": ((2, 3), lambda h: sm.upsample(h, 3), lambda x: F.interpolate(x, scale_factor=3)),
    "linear": (
        (2, 4), lambda h: sm.upsample(h, 3, "linear"), lambda x: F.interpolate(x, scale_factor=3, mode="linear")
    ),
    "bilinear": ((2, 3, 2), lambda h: sm.upsample(h, (2, 3), "linear"), lambda x: bilinear(x, (2, 3))),
    "bilinear of one place": ((2, 1, 2), lambda h: sm.upsample(h, 4, "linear"), lambda x: bilinear(x, 4)),
    "reshape": ((2, 3, 4), lambda h: sm.reshape(h, (4, -1)), lambda x: x.reshape(len(x), 4, -1)),
    "flatten": ((2, 3, 4), lambda h: sm.flatten(h), lambda x: nn.Flatten()(x)),
    "permute": ((2, 3, 4), lambda h: sm.permute(h, (2, 0, 1)), lambda x: x.permute(0, 3, 1, 2)),
    "part": ((2, 3, 4), lambda h: h[:, 1:, ::2], lambda x: x[:, :, 1:, ::2]),
    "part with dots": ((2, 3, 4), lambda h: h[..., -1], lambda x: x[..., -1]),
    "sum": ((2, 3, 4), lambda h: sm.sum(h, (0, -1)), lambda x: x.sum((1, -1))),
    "sum, keepdims": ((2, 3, 4), lambda h: sm.sum(h, 1, keepdims=True), lambda x: x.sum(2, keepdim=True)),
    "mean": ((2, 3, 4), lambda h: sm.mean(h, (1, 2)), lambda x: x.mean((2, 3))),
    "concat": ((2, 3, 4), lambda h: sm.concat(h, h[:, :1], axis=1), lambda x: torch.cat([x, x[:, :, :1]], dim=2)),
    "concat of channels": ((2, 3, 4), lambda h: sm.concat(h, h[1:]), lambda x: torch.cat([x, x[:, 1:]], dim=1)),
    "linear on the last axis": ((2, 3, 4), lambda h: sm.linear(h, 2), F.linear),
    "linear without bias": ((3, 4), lambda h: sm.linear(h, 2, bias=False), F.linear),
    "gain of each channel": (
        (2, 3, 4), lambda h: h * sm.parameter((2, 1, 1), name="gain"), lambda x, gain: x * gain
    ),
    "logsumexp": ((2, 3, 4), lambda h: sm.logsumexp(h, 1), lambda x: torch.logsumexp(x, 2)),
    "logsumexp, keepdims": (
        (2, 3), lambda h: sm.logsumexp(h, 0, keepdims=True), lambda x: torch.logsumexp(x, 1, keepdim=True)
    ),
    "softmax": ((2, 3, 4), lambda h: sm.softmax(h), lambda x: F.softmax(x, -1)),
    "softmax of channels": ((2, 3, 4), lambda h: sm.softmax(h, 0), lambda x: F.softmax(x, 1)),
    "norm": ((2, 3), lambda h: sm.norm(h, 1, eps=0.1), lambda x: (x.square().sum(2) + 0.1).sqrt()),
    "l2_pool": (
        (2, 4, 4), lambda h: sm.l2_pool(h, 2, 1, 1, eps=0.1),
        lambda x: (F.avg_pool2d(x.square(), 2, 1, 1, divisor_override=1) + 0.1).sqrt(),
    ),
    "layer_norm": ((2, 3, 4), lambda h: sm.layer_norm(h), lambda x, w, b: F.layer_norm(x, (2, 3, 4), w, b)),
    "layer_norm of the last axes": (
        (2, 3, 4), lambda h: sm.layer_norm(h, (3, 4), eps=1e-3), lambda x, w, b: F.layer_norm(x, (3, 4), w, b, 1e-3)
    ),
    "layer_norm without parameters": (
        (2, 3, 4), lambda h: sm.layer_norm(h, 4, elementwise_affine=False), lambda x: F.layer_norm(x, (4,))
    ),
    "group_norm": ((4, 2, 3), lambda h: sm.group_norm(h, 2), lambda x, w, b: F.group_norm(x, 2, w, b)),
    "instance norm": (
        (3, 4), lambda h: sm.group_norm(h, 3, affine=False, eps=0.1), lambda x: F.instance_norm(x, eps=0.1)
    ),
    "matmul": (
        (2, 3, 3), lambda h: sm.matmul(h, sm.permute(h, (0, 2, 1))), lambda x: torch.matmul(x, x.transpose(2, 3))
    ),
    "nodes that broadcast": (
        (2, 3, 4), lambda h: sm.tanh(h) * sm.mean(h, 0), lambda x: torch.tanh(x) * x.mean(1, keepdim=True)
    ),
}  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, backend: str) -> None:
    compare(*LAYERS[name], backend)


OWNERS: dict[str, tuple[tuple[int, ...], Callable[[Node], Node], Callable[[], Any]]] = {
    "layer_norm": ((2, 3, 4), lambda h: sm.layer_norm(h, (3, 4), name="own"), lambda: nn.LayerNorm((3, 4))),
    "layer_norm without": (
        (2, 3), lambda h: sm.layer_norm(h, elementwise_affine=False, name="own"),
        lambda: nn.LayerNorm((2, 3), elementwise_affine=False),
    ),
    "group_norm": ((4, 2, 3), lambda h: sm.group_norm(h, 2, name="own"), lambda: nn.GroupNorm(2, 4)),
    "group_norm without": (
        (4, 2), lambda h: sm.group_norm(h, 2, affine=False), lambda: nn.GroupNorm(2, 4, affine=False)
    ),
    "embedding": ((4,), lambda h: h * sm.embedding(sm.condition(), 3, 4, name="own"), lambda: nn.Embedding(3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", OWNERS)
def test_state_dicts(name: str) -> None:
    shape, layer, make = OWNERS[name]
    network = network_of(shape, layer)
    expected = {f"own.{key}": tuple(value.shape) for key, value in make().state_dict().items()}
    assert {key: size for key, size in network.parameters.items() if key != "factor"} == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_embedding(backend: str) -> None:
    x, label = sm.input(4), sm.condition(name="label")
    module = module_of(Network(energy=x * sm.embedding(label, 3, 4, name="own")), backend=backend)
    params, data = random_case(Network(energy=x * sm.embedding(label, 3, 4, name="own")), samples=5)
    table, labels = nn.Embedding(3, 4, dtype=torch.float64), np.array([2, 0, 1, 1, 2])
    table.load_state_dict({"weight": torch.from_numpy(params["own.weight"])})
    rows = table(torch.from_numpy(labels)).detach().numpy()
    assert_close(module.score(params, data, label=labels), -rows, 1e-15)
    assert_close(module.energy(params, data, label=labels), np.sum(rows * data, axis=1), 1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pad", [(1, 2), (0, 1, 2, 0), (1, 0, -1, 2), (-1, 1), (2, -2, 1, 1), (3, 2, 2, 1)], ids=str)
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_padding(pad: tuple[int, ...], mode: str, backend: str) -> None:
    """torch pads the last two axes of (N, C, H, W), in modes other than zeros both of them."""
    both = pad if mode == "zeros" or len(pad) == 4 else (*pad, 0, 0)
    theirs = {"zeros": "constant"}.get(mode, mode)
    compare((2, 3, 4), lambda h: sm.pad(h, pad, mode), lambda x: F.pad(x, both, theirs), backend)  # type: ignore[arg-type]


def what_torch_refuses() -> list[Any]:
    x, line = sm.input((4, 5, 5)), sm.input((1, 4))
    return [
        lambda: sm.conv2d(x, 6, 3, groups=3),
        lambda: sm.conv2d(x, 4, 7),
        lambda: sm.conv2d(x, 4, 3, stride=2, padding="same"),
        lambda: sm.conv1d(line, 1, 3, padding=4, padding_mode="reflect"),
        lambda: sm.conv1d(line, 1, 3, padding=5, padding_mode="circular"),
        lambda: sm.avg_pool1d(line, 2, padding=2),
        lambda: sm.avg_pool1d(line, 5),
        lambda: sm.conv_transpose1d(line, 1, 3, stride=2, output_padding=2),
        lambda: sm.reshape(x, (3, -1)),
        lambda: sm.permute(x, (0, 1)),
    ]


def test_what_torch_refuses_is_refused() -> None:
    for make in what_torch_refuses():
        with pytest.raises(sm.SmgenError):
            make()
