"""`C`: convolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.activations import ActivationName
from archnet.spec.layers.base.kernel_layer import KernelLayer
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.marks import PERCENTAGE, per_axis
from archnet.spec.layers.base.shapes import Grid, Shape, sizes_text
from archnet.spec.layers.base.window import Padding, Window, dilated_kernel_size
from archnet.spec.layers.base.words import drop_out_text, join_words, stride_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution(KernelLayer):
    """`C`: convolution with bias, then batch norm if asked, then activation, then dropout."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="new", drawn_as="features")

    num_output: int
    kernel_size: Shape = field(metadata=per_axis())
    stride: Shape = field(metadata=per_axis(1))
    activation: ActivationName | None = None
    drop_out: float = field(default=0.0, metadata=PERCENTAGE)
    padding: Padding = "same"
    dilation: Shape = field(metadata=per_axis(1))
    batch_norm: bool = False

    @property
    def window(self) -> Window:
        """The kernel as it slides."""
        return Window(
            size=dilated_kernel_size(self.kernel_size, self.dilation), stride=self.stride, padding=self.padding
        )

    def output_shape(self, shape: Shape) -> Shape:
        if max(self.stride) > 1 and max(self.dilation) > 1:
            raise ValueError(
                f"stride {sizes_text(self.stride)} and dilation {sizes_text(self.dilation)} cannot both be above 1. "
                "Set one of them to 1"
            )
        return (*self.window.positions(shape), self.num_output)

    def num_penalized_parameters(self, shape: Shape) -> int:
        return (prod(self.kernel_size) * shape[-1] + 1) * self.num_output

    def num_macs(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.kernel_size) * shape[-1]

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return self.window.propagate_grid(grid, shape)

    def summary(self) -> str:
        return join_words(
            f"{self.num_output} {sizes_text(self.kernel_size)}",
            stride_text(self.stride),
            f"dilation {sizes_text(self.dilation)}" if max(self.dilation) > 1 else "",
            "valid" if self.padding == "valid" else "",
            "batch norm" if self.batch_norm else "",
            self.activation,
            drop_out_text(self.drop_out),
        )
