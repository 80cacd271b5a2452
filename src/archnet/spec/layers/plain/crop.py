"""`CROP`: center crop."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.added_depth import DepthSizes
from archnet.spec.layers.base.layer import Traits, WeightlessLeaf
from archnet.spec.layers.base.layer_fit import LayerFitError
from archnet.spec.layers.base.marks import per_axis
from archnet.spec.layers.base.shapes import AxisGrid, Grid, Shape, sizes_text, spatial_shape
from archnet.spec.layers.base.window import AxisPadding


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop(WeightlessLeaf):
    """`CROP`: center crop; along an axis of length N it starts at N // 2 - n // 2, like crops of scans.

    `keras.layers.CenterCrop` starts one voxel earlier if N is even and n is odd.
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="none", drawn_as="other")

    size: Shape = field(metadata=per_axis())

    def margins(self, shape: Shape) -> tuple[AxisPadding, ...]:
        """Number of values removed before and after the crop, for each axis.

        >>> Crop(size=(3, 4)).margins((6, 9, 1))
        ((2, 1), (2, 3))

        Raises:
            ValueError: The input is flat or smaller than the crop.
        """
        lengths = spatial_shape(shape)
        if any(size > length for size, length in zip(self.size, lengths, strict=True)):
            raise LayerFitError(
                f"size {sizes_text(self.size)} is larger than its input {lengths}. "
                "Make it smaller, or crop before the layers that shrink the input",
                size=[min(size, length) for size, length in zip(self.size, lengths, strict=True)],
            )
        starts = (length // 2 - size // 2 for size, length in zip(self.size, lengths, strict=True))
        axes = zip(starts, self.size, lengths, strict=True)
        return tuple((start, length - size - start) for start, size, length in axes)

    def depth_sizes(self, shape: Shape, *, keeps_depth: bool = False) -> DepthSizes:
        """The same share of the depth as of the height."""
        height, depth = shape[0], shape[2]
        return {"size": depth if keeps_depth else max(1, round(depth * self.size[0] / height))}

    def output_shape(self, shape: Shape) -> Shape:
        self.margins(shape)
        return (*self.size, shape[-1])

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape))

    def num_stored_values(self, shape: Shape) -> float:
        return prod(self.output_shape(shape))

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + prod(self.output_shape(shape))

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        axes = zip(grid, self.margins(shape), strict=True)
        return tuple(
            AxisGrid(axis.first + axis.step * before, axis.last + axis.step * before, axis.step)
            for axis, (before, _) in axes
        )

    def summary(self) -> str:
        return f"center {sizes_text(self.size)}"
