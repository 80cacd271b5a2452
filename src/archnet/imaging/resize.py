"""Resize a whole scan to the input of a network: clipped, rotated and resized as in the Keras CT tutorial.

The tutorial ("3D image classification from CT scans", H. Zunair, keras.io, 2020) reads a NIfTI array in its storage
order (i, j, k), rotates it with `scipy.ndimage.rotate(90, reshape=False)`, which maps (i, j) to (j reversed, i), and
resizes it with `scipy.ndimage.zoom(order=1)`. For a file stored as left, anterior, superior (LAS), the rotated array is
(posterior, left, superior), that is (height, width, depth) = (y, x, z) of LPS, so a scan in LPS needs no rotation here.
Clipping precedes resizing because the two don't commute; scaling commutes with both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Hu, Size, Volume, height_width_depth


def resize_volume(volume: Volume, size: Size, window_hu: tuple[float, float]) -> NDArray[np.float32]:
    """Clip a whole volume to a window and resize it with linear interpolation; corner voxels are aligned.

    Args:
        volume: A volume stored in LPS, from `read_volume`.
        size: (height, width, depth).
        window_hu: Values are clipped to this window. The result is still in HU.

    Returns:
        (height, width, depth) = (y, x, z).
    """
    height, width, _ = size
    hu = _turn_planes(volume.hu, window_hu[0])
    rows, columns, slices = (_neighbours(n, m) for n, m in zip(hu.shape[1:] + hu.shape[:1], size, strict=True))
    resized = np.empty((hu.shape[0], height, width), np.float32)
    for one, target in zip(hu, resized, strict=True):
        target[:] = _resize_plane(one, rows, columns, window_hu)
    lower, upper, weight = slices
    result = height_width_depth(resized)
    near, far = result[..., lower], result[..., upper]
    mixed: NDArray[np.float32] = near + (far - near) * weight
    return mixed


def _resize_plane(
    plane: NDArray[Any], rows: _Neighbours, columns: _Neighbours, window_hu: tuple[float, float]
) -> NDArray[np.float32]:
    """Resize one slice, (height, width); only voxels with nonzero weights are clipped and converted."""
    neighbours = plane[np.concatenate(rows[:2])[:, None], np.concatenate(columns[:2])]
    clipped = np.clip(neighbours.astype(np.float32), *window_hu)
    top, bottom = np.split(clipped, 2)
    mixed = top + (bottom - top) * rows[2][:, None]
    left, right = np.split(mixed, 2, axis=1)
    resized: NDArray[np.float32] = left + (right - left) * columns[2]
    return resized


_Neighbours = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def _neighbours(length: int, wanted: int) -> _Neighbours:
    """Neighbours of `wanted` points that are evenly spaced over `length` voxels, and the weight of the upper one."""
    position = np.linspace(0, length - 1, wanted)
    lower = position.astype(np.int64)
    return lower, np.minimum(lower + 1, length - 1), (position - lower).astype(np.float32)


def _turn_planes(hu: Hu, low: float) -> Hu:
    """Exchange the numbers of rows and columns of the planes of a (z, y, x) array.

    A rotation by 90 degrees that keeps the array shape swaps the sides of a plane that is not square: voxels outside
    are dropped, and missing voxels become `low`. Square planes, the usual case in CT, are unchanged.
    """
    num_rows, num_columns = hu.shape[1:]
    if num_rows == num_columns:
        return hu
    shift = (num_rows - num_columns) // 2
    turned = np.full((hu.shape[0], num_columns, num_rows), low, hu.dtype)
    rows = slice(max(shift, 0), max(shift, 0) + min(num_rows, num_columns))
    side = slice(max(-shift, 0), max(-shift, 0) + min(num_rows, num_columns))
    turned[:, side, rows] = hu[:, rows, side]
    return turned
