"""Planes of a volume: their positions and voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from archnet.spec.layers.base.shapes import Shape

PlanesName = Literal["axial", "orthogonal", "nine", "slices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A plane of a volume (height, width, depth): one slice across an axis, or a diagonal of two axes.

    A plane keeps the order of the volume's axes. A diagonal runs along both of its axes at once, in steps of √2 voxels,
    and replaces the first of them.

    Attributes:
        axes: The axis that the slice crosses, or the two axes of the diagonal, whose lengths are equal.
        index: Index of the slice along its axis; null means the center, N // 2.
        is_falling: Whether the index along the second axis decreases as the index along the first increases.
    """

    axes: tuple[int, ...]
    index: int | None = None
    is_falling: bool = False

    def position(self, shape: Shape) -> int:
        """Index of a slice along its axis in a volume of the given shape."""
        (axis,) = self.axes
        return shape[axis] // 2 if self.index is None else self.index

    def shape(self, shape: Shape) -> Shape:
        """The plane's shape in a volume, both with channels."""
        *_, last = self.axes
        return tuple(length for axis, length in enumerate(shape) if axis != last)

    def voxels(self, shape: Shape) -> tuple[NDArray[np.intp], ...]:
        """The voxels of a plane in a volume (height, width, depth): indices along each axis, in the plane's shape."""
        (first, *others), last = self.axes, self.axes[-1]
        grid: list[Any] = list(np.indices([length for axis, length in enumerate(shape) if axis != last]))
        if not others:
            grid.insert(last, np.full_like(grid[0], self.position(shape)))
        else:
            grid.insert(last, shape[last] - 1 - grid[first] if self.is_falling else grid[first])
        return tuple(grid)


AXIAL: Final = Plane(axes=(2,))
_ORTHOGONAL: Final = (AXIAL, Plane(axes=(0,)), Plane(axes=(1,)))
_DIAGONAL: Final = tuple(
    Plane(axes=axes, is_falling=is_falling) for axes in ((0, 1), (0, 2), (1, 2)) for is_falling in (False, True)
)
PLANES: Final[dict[PlanesName, tuple[Plane, ...]]] = {
    "axial": (AXIAL,),
    "orthogonal": _ORTHOGONAL,
    "nine": (*_ORTHOGONAL, *_DIAGONAL),
}
"""The planes through the center of a volume, in order: axial (height, width), coronal (width, depth), sagittal (height,
depth), then the diagonals of height and width, of height and depth, of width and depth, each rising before falling.
They exclude "slices", whose number is the volume's depth."""


def planes_of(name: PlanesName, depth: int) -> tuple[Plane, ...]:
    """The planes with the given name.

    Args:
        name: One of the names that documents use.
        depth: Depth of the volume.
    """
    return tuple(Plane(axes=(2,), index=index) for index in range(depth)) if name == "slices" else PLANES[name]
