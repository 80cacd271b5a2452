"""Resample an array to the grid of its scan: the position of each voxel of the scan in a crop or resized volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Index, Point, Size, Volume, continuous_index, nearest_index

ScanGrid = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Positions of the z, y and x indices of a scan in an array, along its depth, height and width."""


def crop_grid(volume: Volume, point_mm: Point, size: Size, spacing_mm: Point | None = None) -> ScanGrid:
    """The grid of a scan in a crop around a world point, made by `crop` or, with a spacing, by `crop_mm`.

    Args:
        volume: A volume stored in LPS.
        point_mm: (x, y, z), LPS.
        size: (height, width, depth).
        spacing_mm: Along x, y, z.
    """
    height, width, depth = size
    if spacing_mm is None:
        (centre,), steps = nearest_index(volume, point_mm).tolist(), [1.0, 1.0, 1.0]
    else:
        (centre,) = continuous_index(volume, point_mm).tolist()
        steps = [wanted / own for wanted, own in zip(spacing_mm, volume.spacing_mm, strict=True)][::-1]
    z, y, x = (
        (np.arange(length) - middle) / step + count // 2
        for length, middle, step, count in zip(volume.hu.shape, centre, steps, (depth, height, width), strict=True)
    )
    return z, y, x


def resized_grid(shape: Index, size: Size) -> ScanGrid:
    """The grid of a scan in the array that `resize_volume` returns for it.

    Args:
        shape: The shape of the scan, (z, y, x).
        size: (height, width, depth).
    """
    num_slices, num_rows, num_columns = shape
    height, width, depth = size
    shift = (num_rows - num_columns) // 2  # planes that are not square have their sides exchanged
    return (
        _rescale_index(np.arange(num_slices), num_slices, depth),
        _rescale_index(np.arange(num_rows) - shift, num_columns, height),
        _rescale_index(np.arange(num_columns) + shift, num_rows, width),
    )


def _rescale_index(index: NDArray[np.int64], length: int, wanted: int) -> NDArray[np.float64]:
    """Rescale indices of `length` points to indices of `wanted` points between the same ends."""
    return index.astype(np.float64) * ((wanted - 1) / max(length - 1, 1))


def resample_to_scan(array: NDArray[Any], grid: ScanGrid) -> NDArray[np.float32]:
    """Resample an array (height, width, depth) linearly to the grid of its scan, (z, y, x); values outside are 0."""
    in_zyx = array.transpose(2, 0, 1)
    values = interpolate(in_zyx, grid)
    for axis, (positions, length) in enumerate(zip(grid, in_zyx.shape, strict=True)):
        is_outside = (positions < -0.5) | (positions >= length - 0.5)
        values[(slice(None),) * axis + (is_outside,)] = 0
    return values


def interpolate(array: NDArray[Any], grid: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Interpolate an array linearly at a grid of positions, given for each axis; edge values extend outside."""
    values = array.astype(np.float32)
    for axis, positions in enumerate(grid):
        clipped = np.clip(positions, 0, values.shape[axis] - 1)
        lower = np.floor(clipped).astype(np.int64)
        upper = np.minimum(lower + 1, values.shape[axis] - 1)
        weight = (clipped - lower).astype(np.float32).reshape(-1, *(1,) * (values.ndim - axis - 1))
        near = values.take(lower, axis)
        values = near + (values.take(upper, axis) - near) * weight
    return values
