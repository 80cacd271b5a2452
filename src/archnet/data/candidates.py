"""Candidates: listed points in scans, with or without classes, and the crops around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.outside_candidates import PlacedPoints, read_frames
from archnet.data.crops import CandidateCrops
from archnet.errors import DataError
from archnet.files.luna16_lists import CLASS, PointRow, read_point_rows
from archnet.files.progress import Progress, no_progress
from archnet.imaging.volume import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class CropGrid:
    """The voxels of a crop.

    Attributes:
        shape: Number of voxels as (height, width, depth).
        spacing_mm: Voxel spacing along x, y, z; None uses the scan's own voxels.
    """

    shape: tuple[int, int, int]
    spacing_mm: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Points in scans, one row per candidate.

    Attributes:
        source: The path of the list, or the option that gave a point, for messages.
        series: Series uid of each candidate.
        points_mm: (n, 3) world positions (x, y, z), LPS.
        labels: (n,) 1 is a nodule, 0 is not a nodule, -1 is unknown.
        lines: (n,) line number in the list, from 1; None for a point without a list.
    """

    source: str
    series: list[str]
    points_mm: NDArray[np.float64]
    labels: NDArray[np.int64]
    lines: NDArray[np.int64] | None = None

    def select(self, rows: NDArray[np.int64]) -> Candidates:
        """Select candidates by row, in the order of `rows`."""
        return replace(
            self,
            series=[self.series[row] for row in rows.tolist()],
            points_mm=self.points_mm[rows],
            labels=self.labels[rows],
            lines=None if self.lines is None else self.lines[rows],
        )

    def location(self, row: int) -> str:
        """The file and line of a candidate."""
        return self.source if self.lines is None else f"{self.source} line {self.lines[row]}"

    def _row_name(self, row: int) -> str:
        return self.source if self.lines is None else f"line {self.lines[row]}"

    def place(
        self, scans: Mapping[str, Path], progress: Progress = no_progress, series: str | None = None
    ) -> PlacedPoints:
        """Place the candidates in the grids of their scans, from the scan headers.

        Args:
            scans: Paths by series uid.
            progress: Wraps the scans.
            series: The CT series to read in DICOM folders that contain several.
        """
        own = {uid: scans[uid] for uid in dict.fromkeys(self.series)}
        return PlacedPoints(
            series=self.series,
            points_mm=self.points_mm,
            labels=self.labels,
            row_name=self._row_name,
            frames=read_frames(own, progress, series),
            names={uid: path.name for uid, path in own.items()},
        )

    def crops(
        self, scans: Mapping[str, Path], ids: NDArray[np.str_], grid: CropGrid, source: str | None = None
    ) -> CandidateCrops:
        """Create the recipe of the crops around the candidates.

        Args:
            scans: Paths by series uid.
            ids: (n,) name of the case of each candidate.
            grid: The voxels of a crop.
            source: Name in lists of stores; None uses the path of the list.
        """
        return CandidateCrops(
            source=source or self.source,
            ids=ids,
            scan_of_row=[scans[uid] for uid in self.series],
            points_mm=self.points_mm,
            location=self.location,
            shape=grid.shape,
            spacing_mm=grid.spacing_mm,
        )


def read_candidates(path: Path, *, has_labels: bool = True) -> Candidates:
    """Read a candidate list and check every row; it may be empty.

    Args:
        has_labels: Whether to read the classes.

    Raises:
        DataError: The list cannot be read, a column is missing, or a value is invalid.
    """
    rows = list(_read_rows(path, CLASS if has_labels else None))
    return Candidates(
        source=str(path),
        series=[row.uid for row in rows],
        points_mm=np.array([row.point_mm for row in rows], dtype=np.float64).reshape(-1, 3),
        labels=np.array([int(row.word or -1) for row in rows], dtype=np.int64),
        lines=np.array([row.line for row in rows], dtype=np.int64),
    )


def _read_rows(path: Path, last_column: str | None) -> Iterator[PointRow]:
    for row in read_point_rows(path, last_column):
        if last_column and row.word not in ("0", "1"):
            raise DataError(f'{path} line {row.line}: class must be 0 or 1 (nodule), got "{row.word}".')
        yield row
