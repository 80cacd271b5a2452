"""Recipes for extracting cases from scans: crops around candidates, or resized whole volumes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.recipe import Recipe, Values
from archnet.errors import DataError
from archnet.imaging import (
    CasePlacement,
    Volume,
    crop,
    crop_mm,
    nearest_index,
    place_crop,
    place_resized,
    resize_volume,
)
from archnet.imaging.volume import Hu, Point
from archnet.spec.experiment import Range

_CHUNK_BYTES: Final = 32 * 2**20
"""Maximum number of crops in memory before they are written; a scan can have thousands."""


class CandidateCrops(Recipe):
    """A crop around each candidate in HU, int16."""

    dtype = np.dtype(np.int16)

    def __init__(  # noqa: PLR0913, PLR0917 - the columns of a candidate list and the options
        self,
        source: str,
        ids: NDArray[np.str_],
        scan_of_row: Sequence[Path],
        points_mm: NDArray[np.float64],
        location: Callable[[int], str],
        shape: tuple[int, int, int],
        spacing_mm: Point | None = None,
    ) -> None:
        """Create a recipe for the rows of a candidate list.

        Args:
            source: Name in lists of stores.
            ids: (n,) case of each row.
            scan_of_row: (n,) scan of each row; rows of one scan need not be consecutive.
            points_mm: (n, 3) world positions (x, y, z), LPS.
            location: Function that returns the location of a row in its list, for messages.
            shape: Number of voxels as (height, width, depth).
            spacing_mm: Grid of the crop along x, y, z; None uses the scan's own voxels.
        """
        self.source, self.ids, self.shape = source, ids, shape
        self.points_mm, self.location, self.spacing_mm = points_mm, location, spacing_mm
        self.scans, self.rows = _group_rows_by_scan(scan_of_row)

    def options(self) -> Mapping[str, Any]:
        points = hashlib.sha256(np.ascontiguousarray(self.points_mm).tobytes()).hexdigest()
        return {"spacing_mm": self.spacing_mm and list(self.spacing_mm), "points_mm": points}

    def cut_volume(self, number: int, volume: Volume) -> Iterator[tuple[NDArray[np.int64], Values]]:
        path, rows = self.scans[number], self.rows[number]
        indices = self._indices(volume, path, rows)
        size = max(1, _CHUNK_BYTES // (self.num_bytes // len(self.ids)))
        for start in range(0, len(rows), size):
            chunk = slice(start, start + size)
            values = np.empty((len(rows[chunk]), *self.shape), np.int16)
            for target, index, row in zip(values, indices[chunk].tolist(), rows[chunk].tolist(), strict=True):
                target[:] = self._cut_crop(volume, index, row)
            yield rows[chunk], values

    def place(self, row: int, frame: Volume) -> CasePlacement:
        x, y, z = self.points_mm[row].tolist()
        return place_crop(frame, (x, y, z), self.spacing_mm)

    def _cut_crop(self, volume: Volume, index: tuple[int, int, int], row: int) -> NDArray[np.int16]:
        if self.spacing_mm is None:
            return _round_hu(crop(volume, index, self.shape))
        x, y, z = self.points_mm[row].tolist()
        return _round_hu(crop_mm(volume, (x, y, z), self.shape, self.spacing_mm))

    def _indices(self, volume: Volume, path: Path, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Voxel index (z, y, x) of each candidate of a scan."""
        indices = nearest_index(volume, self.points_mm[rows])
        outside = ((indices < 0) | (indices >= volume.hu.shape)).any(axis=1)
        if outside.any():
            row = int(rows[outside.argmax()])
            x, y, z = (round(value, 3) for value in self.points_mm[row].tolist())
            raise DataError(f"{self.location(row)}: the point ({x}, {y}, {z}) mm is outside scan {path.name}.")
        return indices


class WholeVolumes(Recipe):
    """One whole scan per case: HU clipped to the window and resized, float32."""

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        source: str,
        ids: NDArray[np.str_],
        scans: Sequence[Path],
        shape: tuple[int, int, int],
        window_hu: Range,
    ) -> None:
        self.source, self.ids, self.scans = source, ids, scans
        self.shape, self.window_hu = shape, window_hu
        self.rows = [np.array([row], np.int64) for row in range(len(scans))]

    def options(self) -> Mapping[str, Any]:
        return {"window_hu": list(self.window_hu)}

    def cut_volume(self, number: int, volume: Volume) -> Iterator[tuple[NDArray[np.int64], Values]]:
        yield self.rows[number], resize_volume(volume, self.shape, self.window_hu)[np.newaxis]

    def place(self, row: int, frame: Volume) -> CasePlacement:
        return place_resized(frame, self.shape)


def _group_rows_by_scan(scan_of_row: Sequence[Path]) -> tuple[list[Path], list[NDArray[np.int64]]]:
    """Unique scans, in the order of their first rows, and the rows of each."""
    rows: dict[Path, list[int]] = {}
    for row, scan in enumerate(scan_of_row):
        rows.setdefault(scan, []).append(row)
    return list(rows), [np.array(members, np.int64) for members in rows.values()]


def _round_hu(hu: Hu) -> NDArray[np.int16]:
    if hu.dtype == np.int16:
        return hu.astype(np.int16, copy=False)
    return np.clip(np.rint(hu), -32768, 32767).astype(np.int16)
