"""Shapes, and where features lie in a network's input."""

from __future__ import annotations

Shape = tuple[int, ...]

AxisGrid = tuple[float, float]
"""Start and step along one axis: feature i is centered on the input's voxel `start + i * step`."""

Grid = tuple[AxisGrid, ...]
"""One `AxisGrid` for each spatial axis; empty where there is none."""


def spatial_shape(shape: Shape) -> Shape:
    """The axes before the channels.

    Raises:
        ValueError: The shape has none, because something has flattened it.
    """
    if len(shape) < 2:
        raise ValueError(f"needs spatial axes, but its input {shape} is flat. Move it before the first FC or GAP")
    return shape[:-1]


def sizes_text(sizes: Shape) -> str:
    """Sizes along the axes as people write them.

    >>> sizes_text((3, 3, 1))
    '3x3x1'
    """
    return "x".join(map(str, sizes))
