"""`C`: convolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm, prod
from typing import ClassVar, Literal

from archnet.spec.layers.base.activations import ActivationName
from archnet.spec.layers.base.added_depth import DepthSizes, height_window, window_sizes
from archnet.spec.layers.base.kernel_layer import KernelLayer
from archnet.spec.layers.base.layer import Grouping, Traits
from archnet.spec.layers.base.layer_fit import LayerFitError, nearest_divisor
from archnet.spec.layers.base.marks import PERCENTAGE, WIDTH, per_axis
from archnet.spec.layers.base.norm import NORM, Norm, norm_divisor, norm_text
from archnet.spec.layers.base.shapes import Grid, Shape, sizes_text
from archnet.spec.layers.base.window import PADDING, Padding, Window, kernel_window, pad_text
from archnet.spec.layers.base.words import drop_out_text, join_words, stride_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution(KernelLayer):
    """`C`: convolution, then optional normalization, activation and dropout.

    Attributes:
        groups: Number of groups of a grouped convolution (Xie et al. 2017, doi:10.1109/CVPR.2017.634); "depthwise"
            convolves each channel separately (Chollet 2017, doi:10.1109/CVPR.2017.195).
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="new", drawn_as="features")

    num_output: int = field(metadata=WIDTH)
    kernel_size: Shape = field(metadata=per_axis())
    stride: Shape = field(metadata=per_axis(1))
    activation: ActivationName | None = None
    drop_out: float = field(default=0.0, metadata=PERCENTAGE)
    padding: Padding = field(default="same", metadata=PADDING)
    dilation: Shape = field(metadata=per_axis(1))
    groups: int | Literal["depthwise"] = 1
    bias: bool = True
    norm: Norm | None = field(default=None, metadata=NORM)

    @property
    def window(self) -> Window:
        """The sliding window of the kernel."""
        return kernel_window(self.kernel_size, self.dilation, self.stride, self.padding)

    def depth_sizes(self, shape: Shape, *, keeps_depth: bool = False) -> DepthSizes:
        window = height_window(self.kernel_size, self.stride, self.dilation, self.padding)
        return window_sizes(window, shape[2], ("kernel_size", "stride", "dilation", "padding"), keeps_depth=keeps_depth)

    @property
    def channel_divisor(self) -> int:
        return lcm(1 if self.groups == "depthwise" else self.groups, norm_divisor(self.norm))

    def num_groups(self, num_channels: int) -> int:
        """Number of groups.

        Raises:
            ValueError: The number does not divide the channels of the input and of the output.
        """
        groups = num_channels if self.groups == "depthwise" else self.groups
        if self.num_output % groups and self.groups == "depthwise":
            raise LayerFitError(
                f'groups "depthwise": num_output {self.num_output} is not a multiple of {num_channels} input channels. '
                f"Set num_output to a multiple of {num_channels}",
                num_output=num_channels * max(round(self.num_output / num_channels), 1),
            )
        if num_channels % groups or self.num_output % groups:
            raise LayerFitError(
                f"{num_channels} input channels and num_output {self.num_output} are not both divisible by groups "
                f"{groups}. Set groups to a divisor of both",
                groups=nearest_divisor(groups, num_channels, self.num_output),
            )
        return groups

    def output_shape(self, shape: Shape) -> Shape:
        if max(self.stride) > 1 and max(self.dilation) > 1:
            raise LayerFitError(
                f"stride {sizes_text(self.stride)} and dilation {sizes_text(self.dilation)} cannot both be above 1. "
                "Set one of them to 1",
                dilation=1,
            )
        output_shape = (*self.window.positions(shape), self.num_output)
        self.num_groups(shape[-1])
        if self.norm:
            self.norm.check(output_shape)
        return output_shape

    def num_kernel_weights(self, shape: Shape) -> int:
        return prod(self.kernel_size) * shape[-1] // self.num_groups(shape[-1]) * self.num_output

    def num_macs(self, shape: Shape) -> int:
        return prod(self.window.positions(shape)) * self.num_kernel_weights(shape)

    def num_activations(self, shape: Shape) -> int:
        return KernelLayer.num_activations(self, shape) + self.window.num_padded_values(shape)

    def num_stored_values(self, shape: Shape) -> float:
        """Includes the padded input, and the parts of the input of grouped convolutions."""
        num_parts = prod(shape) * (self.groups != 1)
        return KernelLayer.num_stored_values(self, shape) + self.window.num_padded_values(shape) + num_parts

    def num_transient_values(self, shape: Shape) -> float:
        return KernelLayer.num_transient_values(self, shape) + self.window.num_padded_values(shape)

    def grouping(self, shape: Shape) -> Grouping | None:
        groups = self.num_groups(shape[-1])
        if groups == 1:
            return None
        return Grouping(kernel_size=self.kernel_size, num_channels=shape[-1], num_groups=groups)

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return self.window.propagate_grid(grid, shape)

    def summary(self) -> str:
        return join_words(
            f"{self.num_output} {sizes_text(self.kernel_size)}",
            stride_text(self.stride),
            f"dilation {sizes_text(self.dilation)}" if max(self.dilation) > 1 else "",
            pad_text(self.padding),
            "depthwise" if self.groups == "depthwise" else f"groups {self.groups}" if self.groups > 1 else "",
            norm_text(self.norm),
            self.activation,
            drop_out_text(self.drop_out),
        )
