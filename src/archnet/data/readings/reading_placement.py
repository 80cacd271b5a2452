"""World positions of readings: from the header of their scan, or else from the nodules that LUNA16 lists for it.

A contour has columns and rows in pixels, as the DICOM series is stored, and the z of its slice in mm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.imaging import Volume

Points = NDArray[np.float64]

_SIGNS: Final = ((1.0, 1.0), (-1.0, -1.0))
"""World directions of columns and rows: the usual ones, and rotated by 180 degrees, as for some prone patients."""

_SMALLEST_AXIAL_PART: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """A linear map from (column, row, z in mm) to the world point (x, y, z), LPS.

    Attributes:
        matrix: (3, 3).
        offset_mm: (3,).
    """

    matrix: NDArray[np.float64]
    offset_mm: NDArray[np.float64]

    def place(self, positions: Points) -> Points:
        """World points (n, 3) of positions (n, 3)."""
        points: Points = positions @ self.matrix.T + self.offset_mm
        return points


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReaderMarks:
    """Marks of the readers in one scan.

    Attributes:
        positions: (M, 3) column, row, z in mm of each centre.
        radii_mm: (M,).
        pixel_spacing_mm: Distance between columns and between rows.
    """

    positions: Points
    radii_mm: NDArray[np.float64]
    pixel_spacing_mm: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nodules:
    """The nodules that LUNA16 lists for one scan.

    Attributes:
        points_mm: (F, 3) world positions (x, y, z), LPS.
        radii_mm: (F,).
    """

    points_mm: Points
    radii_mm: NDArray[np.float64]


def near_distances(marks_mm: Points, mark_radii_mm: NDArray[np.float64], nodules: Nodules) -> NDArray[np.float64]:
    """Distance (M, F) of each mark to each nodule in mm; infinite unless it is less than the sum of their radii.

    LUNA16 merged the readers' marks into nodules by this rule (Setio et al. 2017, doi:10.1016/j.media.2017.06.015).
    """
    distances = np.linalg.norm(marks_mm[:, None] - nodules.points_mm[None], axis=-1)
    is_near = distances < mark_radii_mm[:, None] + nodules.radii_mm[None]
    near: NDArray[np.float64] = np.where(is_near, distances, np.inf)
    return near


def header_placement(frame: Volume) -> Placement | None:
    """The placement in a scan, from its geometry in storage order; None if its slices are not axial.

    Columns are along the first axis and rows along the second. The slice follows from z, regardless of the tilt.
    """
    steps = frame.direction * np.asarray(frame.spacing_mm)
    if abs(frame.direction[2, 2]) < _SMALLEST_AXIAL_PART:
        return None
    slice_step = steps[:, 2] / steps[2, 2]
    matrix = np.column_stack(
        [steps[:, 0] - slice_step * steps[2, 0], steps[:, 1] - slice_step * steps[2, 1], slice_step]
    )
    origin = np.asarray(frame.origin_mm, dtype=np.float64)
    return Placement(matrix=matrix, offset_mm=origin - slice_step * origin[2])


def fits_nodules(placement: Placement, marks: ReaderMarks, nodules: Nodules) -> bool:
    """Whether at least half of the nodules have a mark."""
    near = near_distances(placement.place(marks.positions), marks.radii_mm, nodules)
    return 2 * int(np.isfinite(near).any(axis=0).sum()) >= len(nodules.radii_mm)


def fit_placement(marks: ReaderMarks, nodules: Nodules) -> Placement | None:
    """Find the offset in x and y that places the most marks at nodules, if the origin of the scan is unknown.

    Each pair of a mark and a nodule at a similar z suggests an offset, with the usual directions or rotated by 180
    degrees. The best offset gives the most nodules a mark, then the most marks a nodule; ties are resolved by the usual
    directions, then by the smallest mean distance. The offset is then corrected by the median over its marks.

    Returns:
        None if no mark is near the z of a nodule.
    """
    candidates = list(_suggest_placements(marks, nodules))
    if not candidates:
        return None
    best = max(candidates, key=lambda candidate: _score(candidate, marks, nodules))
    placed = best.place(marks.positions)
    near = near_distances(placed, marks.radii_mm, nodules)
    rows = np.flatnonzero(np.isfinite(near).any(axis=1))
    shift = np.median(nodules.points_mm[near[rows].argmin(axis=1)] - placed[rows], axis=0)
    return Placement(matrix=best.matrix, offset_mm=best.offset_mm + shift * (1, 1, 0))


def _suggest_placements(marks: ReaderMarks, nodules: Nodules) -> Iterator[Placement]:
    for signs in _SIGNS:
        matrix = np.diag([signs[0] * marks.pixel_spacing_mm, signs[1] * marks.pixel_spacing_mm, 1.0])
        offsets = nodules.points_mm[None] - (marks.positions @ matrix.T)[:, None]
        is_near = np.abs(offsets[..., 2]) < marks.radii_mm[:, None] + nodules.radii_mm[None]
        for offset in offsets[is_near]:
            yield Placement(matrix=matrix, offset_mm=np.array([offset[0], offset[1], 0.0]))


def _score(placement: Placement, marks: ReaderMarks, nodules: Nodules) -> tuple[int, int, bool, float]:
    """Score of a placement; larger is better."""
    near = near_distances(placement.place(marks.positions), marks.radii_mm, nodules)
    nearest = near.min(axis=1)
    owners = np.where(np.isfinite(nearest), near.argmin(axis=1), -1)
    counts = np.bincount(owners[owners >= 0], minlength=len(nodules.radii_mm))
    return (
        int((counts > 0).sum()),
        int(counts.sum()),
        bool(placement.matrix[0, 0] > 0),
        -float(nearest[owners >= 0].mean()),
    )
