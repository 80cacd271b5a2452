"""`CBAM`: convolutional block attention module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from archnet.spec.layers.base import operations
from archnet.spec.layers.base.added_depth import DepthSizes, height_window, window_sizes
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.marks import per_axis
from archnet.spec.layers.base.operations import CompositeLeaf, Operation
from archnet.spec.layers.base.shapes import Grid, Shape, sizes_text, spatial_shape
from archnet.spec.layers.base.words import join_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvolutionalAttention(CompositeLeaf):
    """`CBAM`: multiplies each channel, then each voxel, by a weight between 0 and 1 (Woo et al. 2018).

    doi:10.1007/978-3-030-01234-2_1. Two dense layers with relu between them process the means and the maxima of the
    channels; the channel weights are the sigmoid of the sum of both results. The voxel weights are the sigmoid of a
    convolution over the mean and the maximum across channels.

    Attributes:
        ratio: Reduction ratio of the first dense layer.
        kernel_size: Kernel size of the convolution.
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="same", drawn_as="features")

    ratio: int = 16
    kernel_size: Shape = field(metadata=per_axis(7))

    @property
    def sees_whole_input(self) -> bool:
        return True

    def num_units(self, num_channels: int) -> int:
        """Units of the first dense layer."""
        return max(1, num_channels // self.ratio)

    def depth_sizes(self, shape: Shape, *, keeps_depth: bool = False) -> DepthSizes:
        window = height_window(self.kernel_size, (1,), (1,), "same")
        return window_sizes(window, shape[2], ("kernel_size",), keeps_depth=keeps_depth)

    def output_shape(self, shape: Shape) -> Shape:
        spatial_shape(shape)
        return shape

    def operations(self, shape: Shape) -> tuple[Operation, ...]:
        return (*self._channel_operations(shape), *self._voxel_operations(shape))

    def _channel_operations(self, shape: Shape) -> tuple[Operation, ...]:
        channels, pairs, hidden = shape[-1:], (2, shape[-1]), (2, self.num_units(shape[-1]))
        return (
            operations.reduction(shape, channels),
            operations.reduction(shape, channels, keeps_mask=True),
            operations.elementwise(pairs),
            operations.dense(pairs, hidden[-1]),
            operations.activation(hidden, "relu"),
            operations.dense(hidden, shape[-1]),
            operations.reduction(pairs, channels),
            operations.activation(channels, "sigmoid"),
            operations.elementwise(shape),
        )

    def _voxel_operations(self, shape: Shape) -> tuple[Operation, ...]:
        voxels, pairs = (*shape[:-1], 1), (*shape[:-1], 2)
        return (
            operations.reduction(shape, voxels),
            operations.reduction(shape, voxels, keeps_mask=True),
            operations.elementwise(pairs),
            operations.convolution(pairs, self.kernel_size, 1),
            operations.activation(voxels, "sigmoid"),
            operations.elementwise(shape),
        )

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return join_words(f"ratio {self.ratio}", sizes_text(self.kernel_size))
