"""Crops on a grid in millimetres: linear interpolation, with antialiasing if the grid is coarser than the scan."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import AIR_HU, Point, Size, Volume, continuous_index, height_width_depth

# Tolerance for indices, in voxels: a rounding error must not move an edge sample out of the scan.
_INDEX_DECIMALS = 6


def crop_mm(volume: Volume, point_mm: Point, size: Size, spacing_mm: Point) -> NDArray[np.float32]:
    """Sample the HU around a world point on a grid along the axes of the scan.

    Sample i of n along an axis is at the point + (i - n // 2) * spacing. If the grid is finer than the scan, samples
    are interpolated linearly; if it is coarser, they are averaged with a triangular kernel two spacings wide, which
    prevents aliasing. Edge values extend half a voxel beyond the outermost voxel centres; farther out is air.

    Args:
        volume: A volume stored in LPS, from `read_volume`.
        point_mm: World position as (x, y, z), LPS; it need not be the centre of a voxel.
        size: Samples as (height, width, depth).
        spacing_mm: Distance between samples along the x, y and z index axes.

    Returns:
        A new array, (height, width, depth) = (y, x, z), not rounded.
    """
    height, width, depth = size
    (centre,) = continuous_index(volume, point_mm).tolist()
    steps = [wanted / own for wanted, own in zip(spacing_mm, volume.spacing_mm, strict=True)][::-1]
    axes = zip(centre, (depth, height, width), steps, volume.hu.shape, strict=True)
    (slices, along_z), (rows, along_y), (columns, along_x) = (_weights(*axis) for axis in axes)
    # Air is 0 here, so samples outside, whose weights are all 0, become air.
    window = volume.hu[slices, rows, columns].astype(np.float32)
    window -= AIR_HU
    in_z = (along_z @ window.swapaxes(0, 1)).swapaxes(0, 1)
    hu: NDArray[np.float32] = along_y @ in_z @ along_x.T
    hu += AIR_HU
    return height_width_depth(hu)


def _weights(centre: float, count: int, step: float, length: int) -> tuple[slice, NDArray[np.float32]]:
    """Weights of the voxels along one axis for each sample.

    Args:
        centre: Position of sample `count // 2`, in voxels.
        step: Distance between samples, in voxels.
        length: Number of voxels of the scan along this axis.

    Returns:
        The voxels with nonzero weights, and the (count, voxels) weights: each row sums to 1, or to 0 outside the scan.
    """
    positions = centre + (np.arange(count) - count // 2) * step
    reach = max(step, 1.0)
    first = min(max(math.floor(positions[0] - reach) + 1, 0), length)
    last = max(min(math.ceil(positions[-1] + reach), length), first)
    weights = np.maximum(reach - np.abs(np.arange(first, last) - positions[:, None]), 0.0)
    rounded = np.round(positions, _INDEX_DECIMALS)
    weights[(rounded < -0.5) | (rounded >= length - 0.5)] = 0.0
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return slice(first, last), weights.astype(np.float32)
