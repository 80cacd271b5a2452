"""Shapes, and receptive fields of features in a network's input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

Shape = tuple[int, ...]


class AxisGrid(NamedTuple):
    """Receptive fields of features in a network's input along one axis.

    The receptive field of feature i extends from voxel first + i * step to voxel last + i * step.

    Attributes:
        first: First voxel of the receptive field of feature 0; below 0 in the padding.
        last: Last voxel of the receptive field of feature 0.
        step: Voxels between neighboring features.
    """

    first: float = 0.0
    last: float = 0.0
    step: float = 1.0

    @property
    def start(self) -> float:
        """The center of the receptive field of feature 0."""
        return (self.first + self.last) / 2

    @property
    def extent(self) -> float:
        """The size of the receptive field along the axis, in voxels."""
        return self.last - self.first + 1


Grid = tuple[AxisGrid, ...]
"""One `AxisGrid` for each spatial axis; empty without spatial axes."""


def input_grid(rank: int) -> Grid:
    """The grid of a network's input: the receptive field of each voxel is itself."""
    return (AxisGrid(),) * rank


def union_grid(grids: Iterable[Grid]) -> Grid:
    """The receptive fields of features computed from the features of several grids with the same shape."""
    axes = zip(*grids, strict=True)
    return tuple(AxisGrid(min(a.first for a in axis), max(a.last for a in axis), axis[0].step) for axis in axes)


def spatial_shape(shape: Shape) -> Shape:
    """The axes before the channels.

    Raises:
        ValueError: The shape has none, because a layer has flattened it.
    """
    if len(shape) == 1:
        raise ValueError(f"needs spatial axes, but its input {shape} is flat. Move it before the first FC or GAP")
    return shape[:-1]


MAX_JOINED_CHANNELS: Final = 1_000_000
"""Maximum number of concatenated channels. Nested concatenations double it each time, beyond the range of floats."""


def joined_channels(*counts: int) -> int:
    """Number of channels of concatenated feature maps.

    Raises:
        ValueError: The number exceeds `MAX_JOINED_CHANNELS`.
    """
    total = sum(counts)
    if total > MAX_JOINED_CHANNELS:
        raise ValueError(
            f"gives {total:,} channels; at most {MAX_JOINED_CHANNELS:,} are allowed. Add a C with fewer filters "
            "before it, or nest fewer concatenations"
        )
    return total


def sizes_text(sizes: Shape) -> str:
    """Format sizes along the axes.

    >>> sizes_text((3, 3, 1))
    '3x3x1'
    """
    return "x".join(map(str, sizes))
