"""`P`: pooling."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, Literal

from archnet.spec.layers.base.added_depth import DepthSizes, height_window, window_sizes
from archnet.spec.layers.base.layer import Traits, WeightlessLeaf
from archnet.spec.layers.base.marks import PERCENTAGE, per_axis
from archnet.spec.layers.base.shapes import Grid, Shape, sizes_text
from archnet.spec.layers.base.window import PADDING, Padding, Window, pad_text
from archnet.spec.layers.base.words import drop_out_text, join_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling(WeightlessLeaf):
    """`P`: the maximum or the average of a window, then dropout."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="none", drawn_as="pooling")

    pool: Literal["max", "avg"]
    kernel_size: Shape = field(metadata=per_axis())
    stride: Shape = field(metadata=per_axis(default_field="kernel_size"))
    drop_out: float = field(default=0.0, metadata=PERCENTAGE)
    padding: Padding = field(default="same", metadata=PADDING)

    @property
    def window(self) -> Window:
        """The sliding window."""
        return Window(size=self.kernel_size, stride=self.stride, padding=self.padding)

    def depth_sizes(self, shape: Shape, *, keeps_depth: bool = False) -> DepthSizes:
        window = height_window(self.kernel_size, self.stride, (1,), self.padding)
        return window_sizes(window, shape[2], ("kernel_size", "stride", "padding"), keeps_depth=keeps_depth)

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.window.positions(shape), shape[-1])

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * (1 + (self.drop_out > 0)) + self.window.num_padded_values(shape)

    def num_stored_values(self, shape: Shape) -> float:
        num_padded_values = self.window.num_padded_values(shape)
        return prod(self.output_shape(shape)) * (1 + 2 * (self.drop_out > 0)) + num_padded_values

    def num_transient_values(self, shape: Shape) -> float:
        num_padded_values = self.window.num_padded_values(shape)
        return 2 * prod(shape) + prod(self.output_shape(shape)) * (1 + (self.drop_out > 0)) + num_padded_values

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return self.window.propagate_grid(grid, shape)

    def summary(self) -> str:
        return join_words(
            f"{self.pool} {sizes_text(self.kernel_size)}",
            f"stride {sizes_text(self.stride)}" if self.stride != self.kernel_size else "",
            pad_text(self.padding),
            drop_out_text(self.drop_out),
        )
