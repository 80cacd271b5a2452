"""CasePlacement: positions of the voxels of a crop or resized scan, in world coordinates and in slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Point, Size, Volume, continuous_index, nearest_index


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CasePlacement:
    """The position of a case in its scan. Its reference voxel has the index n // 2 along each axis of length n.

    Attributes:
        centre_mm: (3,) world position (x, y, z) of the centre of the reference voxel, LPS.
        steps_mm: (3, 3); its columns are the world displacements (x, y, z) between neighbouring voxels along the width,
            the height and the depth of the case.
        slices: (3,) index of the scan's slice through the reference voxel, from 0 at the inferior end; distance between
            slices of the case, in slices of the scan; number of slices of the scan.
    """

    centre_mm: NDArray[np.float64]
    steps_mm: NDArray[np.float64]
    slices: NDArray[np.float64]


def place_crop(frame: Volume, point_mm: Point, spacing_mm: Point | None = None) -> CasePlacement:
    """The placement of a crop around a world point, made by `crop` or, with a spacing, by `crop_mm`.

    Args:
        frame: The scan, or its geometry, stored in LPS.
        point_mm: (x, y, z), LPS.
        spacing_mm: Along x, y, z.
    """
    index = nearest_index if spacing_mm is None else continuous_index
    (index_zyx,) = index(frame, point_mm).tolist()
    return _place(frame, index_zyx, spacing_mm or frame.spacing_mm)


def place_resized(frame: Volume, size: Size) -> CasePlacement:
    """The placement of a whole scan that `resize_volume` has resized.

    Args:
        frame: The scan, or its geometry, stored in LPS.
        size: (height, width, depth).
    """
    height, width, depth = size
    num_slices, num_rows, num_columns = frame.hu.shape
    shift = (num_rows - num_columns) // 2  # `resize_volume` exchanges the sides of planes that are not square
    lengths, wanted, shifts = (num_slices, num_columns, num_rows), (depth, height, width), (0, shift, -shift)
    ratios = [max(n - 1, 1) / max(m - 1, 1) for n, m in zip(lengths, wanted, strict=True)]
    index_zyx = [(m // 2) * ratio + offset for m, ratio, offset in zip(wanted, ratios, shifts, strict=True)]
    x, y, z = (step * ratio for step, ratio in zip(frame.spacing_mm, ratios[::-1], strict=True))
    return _place(frame, index_zyx, (x, y, z))


def _place(frame: Volume, index_zyx: Sequence[float], spacing_mm: Point) -> CasePlacement:
    steps_of_scan = frame.direction * np.asarray(frame.spacing_mm)
    return CasePlacement(
        centre_mm=np.asarray(frame.origin_mm) + steps_of_scan @ np.asarray(index_zyx[::-1], np.float64),
        steps_mm=frame.direction * np.asarray(spacing_mm),
        slices=np.array([index_zyx[0], spacing_mm[2] / frame.spacing_mm[2], frame.hu.shape[0]], np.float64),
    )
