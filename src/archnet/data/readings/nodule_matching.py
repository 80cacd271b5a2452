"""Match readings to the nodules that LUNA16 lists for a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from archnet.data.readings.reading_placement import (
    Nodules,
    Placement,
    ReaderMarks,
    fit_placement,
    fits_nodules,
    near_distances,
)
from archnet.data.readings.readings_file import Reading, ScanReadings

NUM_READERS: Final = 4
"""Number of readers of a scan in LIDC-IDRI."""

NoduleReadings = tuple[Reading, ...]
"""One nodule's readings, at most one of each known reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedScan:
    """The readings of the nodules of one scan.

    Attributes:
        nodules: Readings of each nodule, in the order of the list; empty for a nodule without a reading.
        is_fitted: Whether the readings were placed by the nodules instead of the header of the scan.
    """

    nodules: tuple[NoduleReadings, ...]
    is_fitted: bool


def match_scan(scan: ScanReadings, nodules: Nodules, header: Placement | None = None) -> MatchedScan:
    """Match the readings of a scan to its nodules.

    A reading belongs to the nodule with the nearest centre if the distance of the centres is less than the sum of the
    radii. Of several readings of a nodule by one reader, the one with the nearest centre counts. Readings without a
    nearby nodule are not used: LUNA16 lists only nodules of at least 3 mm that three readers marked.

    Args:
        scan: Readings of the scan.
        nodules: LUNA16's nodules.
        header: Placement by the header of the scan; it is used if at least half of the nodules have a reading there.
    """
    if not scan.readings:
        return MatchedScan(nodules=((),) * len(nodules.radii_mm), is_fitted=False)
    marks = _marks(scan)
    is_fitted = header is None or not fits_nodules(header, marks, nodules)
    placement = fit_placement(marks, nodules) if is_fitted else header
    if placement is None:
        return MatchedScan(nodules=((),) * len(nodules.radii_mm), is_fitted=False)
    return MatchedScan(nodules=_assign(scan, marks, placement, nodules), is_fitted=is_fitted)


def count_readers(readings: NoduleReadings) -> int:
    """Number of readers of a nodule: the number of its readings, at most four.

    More than four readings mean that a reader who cannot be identified by name marked the nodule twice.
    """
    return min(len(readings), NUM_READERS)


def _marks(scan: ScanReadings) -> ReaderMarks:
    shapes = [reading.shape for reading in scan.readings]
    return ReaderMarks(
        positions=np.array([(shape.column, shape.row, shape.z_mm) for shape in shapes]),
        radii_mm=np.array([shape.radius_pixels for shape in shapes]) * scan.pixel_spacing_mm,
        pixel_spacing_mm=scan.pixel_spacing_mm,
    )


def _assign(
    scan: ScanReadings, marks: ReaderMarks, placement: Placement, nodules: Nodules
) -> tuple[NoduleReadings, ...]:
    near = near_distances(placement.place(marks.positions), marks.radii_mm, nodules)
    nearest: list[dict[str, int]] = [{} for _ in nodules.radii_mm]
    for row, nodule in enumerate(near.argmin(axis=1).tolist()):
        reader = scan.readings[row].reader
        kept = nearest[nodule].get(reader)
        if np.isfinite(near[row, nodule]) and (kept is None or near[row, nodule] < near[kept, nodule]):
            nearest[nodule][reader] = row
    return tuple(tuple(scan.readings[row] for row in sorted(rows.values())) for rows in nearest)
