"""The types of layers whose speed `archnet bench --layers` compares with that of dense convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from archnet.spec.layers import Layer, Shape, parse_layer
from archnet.spec.layers.base.shapes import sizes_text

GROUP_CHANNELS: Final = 8
"""Channels per group of grouped convolutions that are not depthwise."""

NUM_CASES: Final = 16
"""Batch size of the measurements."""

INPUT_SIZES: Final[dict[int, dict[int, Shape]]] = {
    2: {8: (64, 64), 16: (64, 64), 32: (64, 64), 64: (32, 32), 128: (32, 32), 256: (16, 16)},
    3: {8: (32, 32, 10), 16: (32, 32, 10), 32: (32, 32, 10), 64: (16, 16, 10), 128: (16, 16, 5), 256: (8, 8, 5)},
}
"""Spatial input shape of the measurements by rank and number of channels: as in networks, more channels have fewer
voxels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKind:
    """Convolutions of one type, which keep the number of channels.

    Attributes:
        name: Name in tables.
        kernels: Kernel sizes of successive convolutions.
        groups: "one" is dense, "some" means `GROUP_CHANNELS` channels per group, "each" is depthwise.
        is_pointwise_last: Whether a dense 1x1 convolution follows.
    """

    name: str
    kernels: tuple[Shape, ...]
    groups: Literal["one", "some", "each"] = "one"
    is_pointwise_last: bool = False

    @property
    def dense(self) -> LayerKind:
        """The dense convolution with the same receptive field."""
        kernel = tuple(map(max, zip(*self.kernels, strict=True)))
        return LayerKind(name=f"dense {sizes_text(kernel)}", kernels=(kernel,))

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernels[0])

    def layers(self, num_channels: int) -> list[Layer]:
        """The layers for the given number of channels."""
        groups = {"one": 1, "some": num_channels // GROUP_CHANNELS, "each": num_channels}[self.groups]
        layers: list[Layer] = [_convolution(num_channels, kernel, groups) for kernel in self.kernels]
        return [*layers, _convolution(num_channels, (1,) * self.rank, 1)] if self.is_pointwise_last else layers

    def input_shape(self, num_channels: int) -> Shape:
        """The input shape of the measurements, channels last."""
        return (*INPUT_SIZES[self.rank][num_channels], num_channels)

    def num_macs(self, num_channels: int) -> int:
        """Multiply-adds of one case's forward pass."""
        shape = self.input_shape(num_channels)
        return sum(layer.num_macs(shape) for layer in self.layers(num_channels))


def _convolution(num_channels: int, kernel: Shape, groups: int) -> Layer:
    document = {"type": "C", "num_output": num_channels, "kernel_size": list(kernel), "groups": groups}
    return parse_layer(document, len(kernel))


LAYER_KINDS: Final = (
    LayerKind(name="depthwise 3x3", kernels=((3, 3),), groups="each"),
    LayerKind(name="grouped 3x3", kernels=((3, 3),), groups="some"),
    LayerKind(name="separable 3x3", kernels=((3, 3),), groups="each", is_pointwise_last=True),
    LayerKind(name="depthwise 7x7", kernels=((7, 7),), groups="each"),
    LayerKind(name="depthwise 3x3x3", kernels=((3, 3, 3),), groups="each"),
    LayerKind(name="grouped 3x3x3", kernels=((3, 3, 3),), groups="some"),
    LayerKind(name="separable 3x3x3", kernels=((3, 3, 3),), groups="each", is_pointwise_last=True),
    LayerKind(name="(2+1)D", kernels=((3, 3, 1), (1, 1, 3))),
    LayerKind(name="(2+1)D depthwise", kernels=((3, 3, 1), (1, 1, 3)), groups="each"),
    LayerKind(name="depthwise 3x3x1", kernels=((3, 3, 1),), groups="each"),
    LayerKind(name="depthwise 1x1x3", kernels=((1, 1, 3),), groups="each"),
)
"""The types, 2D before 3D; types that are compared with the same dense convolution are adjacent."""
