"""Volume: Hounsfield units with world geometry, and crops."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

AIR_HU = -1000

Point = tuple[float, float, float]
Index = tuple[int, int, int]
Size = tuple[int, int, int]
Hu = NDArray[np.int16] | NDArray[np.float32]

# Tolerance for a direction matrix that was written with five digits; a sheared matrix exceeds it.
_ORTHONORMAL_TOLERANCE = 1e-3

# Tolerance for indices, in voxels: a world point halfway between two voxels must stay there when the scan is stored
# flipped, although the rounding errors of its index then differ.
_INDEX_DECIMALS = 6

# Wide limits beyond those of any scanner; values within them are numerically safe.
_SPACINGS_MM = (1e-3, 1e3)
_FARTHEST_ORIGIN_MM = 1e6
_FARTHEST_POINT_MM = 1e9


class NotFiniteError(ValueError):
    """A value is NaN or infinite."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """A scan in Hounsfield units.

    Attributes:
        hu: int16 or float32, (z, y, x); may be a memory map or a view.
        spacing_mm: Distance between voxel centres along x, y, z.
        origin_mm: World position (x, y, z) of the centre of voxel (0, 0, 0), LPS.
        direction: (3, 3); its columns are the world directions of the x, y and z index axes, as in ITK.
        notes: Parts that the reader skipped intentionally, one sentence each.
        warnings: Assumptions of the reader and parts that it could not parse, one sentence each.
        series_uid: SeriesInstanceUID of a DICOM series.
        acquisition: Acquisition parameters of a DICOM series, by the names of `read_acquisition`; unknown ones are
            absent.

    Raises:
        ValueError: The array is not three-dimensional or is empty, or the geometry is invalid.
    """

    hu: Hu
    spacing_mm: Point
    origin_mm: Point
    direction: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    series_uid: str | None = None
    acquisition: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or 0 in self.hu.shape:
            raise ValueError(f"a scan has three axes (z, y, x) with at least one voxel each, got {self.hu.shape}")
        if not all(_SPACINGS_MM[0] <= step <= _SPACINGS_MM[1] for step in self.spacing_mm):
            raise ValueError(f"voxel spacings must be between 0.001 and 1000 mm, got {self.spacing_mm}")
        if not all(abs(place) <= _FARTHEST_ORIGIN_MM for place in self.origin_mm):
            raise ValueError(f"the origin must be three numbers in millimetres, got {self.origin_mm}")
        if not is_orthonormal(self.direction):
            raise ValueError(
                f"the axes of a scan must be perpendicular, got the direction matrix {self.direction.tolist()}; "
                f"resample the scan to a straight grid, for example with SimpleITK.Resample"
            )


def is_orthonormal(direction: NDArray[np.float64]) -> bool:
    """Whether the columns of a (3, 3) matrix are perpendicular and have length 1."""
    axes = np.clip(direction, -2.0, 2.0)  # extreme numbers would overflow
    return bool(np.allclose(axes.T @ axes, np.eye(3), atol=_ORTHONORMAL_TOLERANCE))


def convert_to_hu(values: NDArray[Any]) -> Hu:
    """Convert numbers to int16 if their type is an integer, otherwise to float32.

    Raises:
        ValueError: A value does not fit into int16 or is not a number.
        NotFiniteError: A value is not finite.

    >>> convert_to_hu(np.array([-1000, 400])).dtype
    dtype('int16')
    """
    if values.dtype == np.int16:
        return values
    if values.dtype.kind in "iu":
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        if low < -32768 or high > 32767:
            raise ValueError(f"Hounsfield units must fit 16-bit integers, got values from {low} to {high}")
        return values.astype(np.int16)
    if values.dtype.kind != "f":
        raise ValueError(f"Hounsfield units must be numbers, got {values.dtype}")
    with np.errstate(over="ignore"):
        hu = values.astype(np.float32, copy=False)
    if not np.isfinite(hu).all():
        raise NotFiniteError("Hounsfield units must be finite, got NaN or infinity")
    return hu


def placeholder_voxels(shape: Index) -> Hu:
    """Return zeros (z, y, x) that take no memory, for a scan of which only the geometry is needed."""
    return np.broadcast_to(np.int16(0), shape)


def orient_to_lps(volume: Volume) -> Volume:
    """Reorder the array axes of a scan as close to (superior, posterior, left) as possible.

    Axes are exchanged and reversed as views; no voxel is copied or interpolated, and every voxel keeps its world
    position. The tilt of an oblique scan stays in its direction matrix.
    """
    order = max(itertools.permutations(range(3)), key=lambda axes: _alignment(volume.direction, axes))
    direction = volume.direction[:, order]
    spacing_mm = np.asarray(volume.spacing_mm)[list(order)]
    hu = volume.hu.transpose([2 - axis for axis in reversed(order)])
    origin_mm = np.asarray(volume.origin_mm)
    for axis in range(3):
        if direction[axis, axis] < 0:
            origin_mm = origin_mm + direction[:, axis] * spacing_mm[axis] * (hu.shape[2 - axis] - 1)
            direction[:, axis] = -direction[:, axis]
            hu = np.flip(hu, 2 - axis)
    return replace(volume, hu=hu, spacing_mm=_point(spacing_mm), origin_mm=_point(origin_mm), direction=direction + 0.0)


def nearest_index(volume: Volume, points_mm: ArrayLike) -> NDArray[np.int64]:
    """Indices of the voxels whose centres are nearest to world points; for ties, the higher index.

    Args:
        points_mm: (n, 3), each (x, y, z), LPS.

    Returns:
        (n, 3), each (z, y, x); outside the array if a point lies outside the scan.
    """
    positions = np.round(continuous_index(volume, points_mm), _INDEX_DECIMALS)
    indices: NDArray[np.int64] = np.floor(positions + 0.5).astype(np.int64)
    return indices


def continuous_index(volume: Volume, points_mm: ArrayLike) -> NDArray[np.float64]:
    """Fractional voxel indices of world points.

    Args:
        points_mm: (n, 3), each (x, y, z), LPS.

    Returns:
        (n, 3), each (z, y, x), in voxels.
    """
    to_world = volume.direction * np.asarray(volume.spacing_mm)
    points = np.clip(np.asarray(points_mm).reshape(-1, 3), -_FARTHEST_POINT_MM, _FARTHEST_POINT_MM)
    offset_mm = points - np.asarray(volume.origin_mm)
    indices: NDArray[np.float64] = np.linalg.solve(to_world, offset_mm.T).T[:, ::-1]
    return indices


def crop(volume: Volume, centre: Index, size: Size) -> Hu:
    """Crop the voxels around a voxel; voxels outside the scan are air.

    Args:
        centre: (z, y, x); the crop takes `[c - n // 2, c - n // 2 + n)` along each axis and is never shifted.
        size: Voxels as (height, width, depth).

    Returns:
        A new array, (height, width, depth) = (y, x, z).
    """
    height, width, depth = size
    starts = [c - n // 2 for c, n in zip(centre, (depth, height, width), strict=True)]
    spans = list(zip(starts, (depth, height, width), volume.hu.shape, strict=True))
    inside = tuple(slice(max(start, 0), min(start + n, length)) for start, n, length in spans)
    target = tuple(slice(part.start - start, part.stop - start) for part, start in zip(inside, starts, strict=True))
    result = np.full((depth, height, width), AIR_HU, dtype=volume.hu.dtype)
    if all(part.stop > part.start for part in inside):
        result[target] = volume.hu[inside]
    return height_width_depth(result)


def height_width_depth(array: NDArray[Any]) -> NDArray[Any]:
    """View a (z, y, x) array as (height, width, depth) = (y, x, z): the only place where axes are reordered."""
    return array.transpose(1, 2, 0)


def _alignment(direction: NDArray[np.float64], axes: tuple[int, ...]) -> float:
    return float(sum(abs(direction[world, axis]) for world, axis in enumerate(axes)))


def _point(values: NDArray[np.float64]) -> Point:
    x, y, z = values.tolist()
    return x, y, z
