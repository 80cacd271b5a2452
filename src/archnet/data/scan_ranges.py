"""The ranges of a run's training scans, which its folder keeps to detect out-of-distribution scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.files.progress import Progress, no_progress
from archnet.imaging import Volume, read_frame
from archnet.imaging.scan_files import series_to_read
from archnet.imaging.volume import Point

_MAX_CASES: Final = 512
"""Maximum number of evenly spaced cases whose means are measured: enough for a range."""

Range = tuple[Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRanges:
    """Ranges of the scans of a run, each from the smallest to the largest value.

    Attributes:
        count: Number of scans.
        spacing_mm: Voxel spacings along x, y, z.
        size_mm: Extents along x, y, z: voxels times spacing.
        mean_hu: Mean of a case in the network input, clipped to the window.
    """

    count: int
    spacing_mm: Range
    size_mm: Range
    mean_hu: tuple[float, float]

    def to_document(self) -> dict[str, Any]:
        """The ranges, JSON-ready; `parse_scan_ranges` reads them back."""
        return asdict(self)


def parse_scan_ranges(document: Mapping[str, Any]) -> ScanRanges:
    """Parse the result of `ScanRanges.to_document`.

    Raises:
        KeyError: A key is missing.
    """
    low, high = document["mean_hu"]
    return ScanRanges(
        count=document["count"],
        spacing_mm=_parse_range(document["spacing_mm"]),
        size_mm=_parse_range(document["size_mm"]),
        mean_hu=(low, high),
    )


def read_scan_frames(
    scans: Sequence[Path], progress: Progress = no_progress, series: str | None = None
) -> tuple[Volume, ...]:
    """Read the geometry of scans from their headers.

    Args:
        scans: Readable scans.
        progress: Wraps the scans.
        series: The CT series that was read in DICOM folders with several.
    """
    headers = progress(scans, "Reading headers", len(scans))
    return tuple(read_frame(path, series_to_read(path, series)) for path in headers)


def measure_scan_ranges(frames: Sequence[Volume], cases: NDArray[Any], limits: tuple[float, float]) -> ScanRanges:
    """Measure the ranges of scans and of the cases extracted from them.

    Args:
        frames: The geometry of at least one scan.
        cases: (N, height, width, depth) in HU; an evenly spaced sample of a few hundred is measured.
        limits: The window.
    """
    rows = np.unique(np.linspace(0, len(cases) - 1, min(len(cases), _MAX_CASES)).round().astype(int))
    means = [mean_hu(cases[row], limits) for row in rows.tolist()]
    return ScanRanges(
        count=len(frames),
        spacing_mm=_extremes([frame.spacing_mm for frame in frames]),
        size_mm=_extremes([size_mm(frame) for frame in frames]),
        mean_hu=(min(means), max(means)),
    )


def mean_hu(values: NDArray[Any], limits: tuple[float, float]) -> float:
    """Mean of voxels clipped to the window, rounded to a tenth of a Hounsfield unit.

    >>> mean_hu(np.array([-2000, 0]), (-1000, 400)), mean_hu(np.array([0, 0, 4]), (-1000, 400))
    (-500.0, 1.3)
    """
    return round(float(np.clip(values, *limits).mean(dtype=np.float64)), 1)


def size_mm(volume: Volume) -> Point:
    """Extent of a scan along x, y and z."""
    x, y, z = (step * count for step, count in zip(volume.spacing_mm, volume.hu.shape[::-1], strict=True))
    return x, y, z


def _extremes(points: Sequence[Point]) -> Range:
    """Minimum and maximum of each coordinate, rounded to a thousandth of a millimetre."""
    low, high = (np.round(extreme, 3).tolist() for extreme in (np.min(points, axis=0), np.max(points, axis=0)))
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _parse_range(document: Sequence[Sequence[float]]) -> Range:
    (x, y, z), (last_x, last_y, last_z) = document
    return (x, y, z), (last_x, last_y, last_z)
