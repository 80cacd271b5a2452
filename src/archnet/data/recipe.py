"""Recipes of crop stores: the scans, the rows of each scan, and how cases are extracted."""

from __future__ import annotations

import hashlib
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.imaging import CasePlacement, Volume, list_scan_files, read_frame, read_volume
from archnet.imaging.scan_files import series_to_read

# Increase it with every change to the extraction or layout of crops: a store of a different version is not reused.
_VERSION: Final = 1

Values = NDArray[np.int16] | NDArray[np.float32]


class Recipe(ABC):
    """Arrays to extract from scans, one row per case.

    Attributes:
        source: Data set and folder, for lists of stores.
        ids: (n,) the case of each row.
        scans: Files or DICOM folders, without duplicates.
        rows: The rows of each scan; every row belongs to one scan.
        shape: Shape of one row, (height, width, depth).
        dtype: Data type of the stored values.
        series: The CT series to read in DICOM folders that contain several; see `series_to_read`.
    """

    source: str
    ids: NDArray[np.str_]
    scans: Sequence[Path]
    rows: Sequence[NDArray[np.int64]]
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    series: str | None = None

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """All other parameters that determine the values, JSON-ready."""

    @abstractmethod
    def cut_volume(self, number: int, volume: Volume) -> Iterator[tuple[NDArray[np.int64], Values]]:
        """Yield the arrays of a scan that has been read, in chunks: rows and values (k, *shape).

        Raises:
            DataError: The lists do not match the scan.
        """

    @abstractmethod
    def place(self, row: int, frame: Volume) -> CasePlacement:
        """Position of a row in its scan, whose geometry is `frame`, stored in LPS."""

    def place_rows(self) -> list[CasePlacement | None]:
        """Position of each row in its scan, from the scan headers; None if a header can no longer be read."""
        placements: list[CasePlacement | None] = [None] * len(self.ids)
        for scan, rows in zip(self.scans, self.rows, strict=True):
            try:
                frame = read_frame(scan, series_to_read(scan, self.series))
            except DataError:  # the crops already exist: if a scan has been removed since, only its positions are lost
                continue
            for row in rows.tolist():
                placements[row] = self.place(row, frame)
        return placements

    def cut(self, number: int) -> Iterator[tuple[NDArray[np.int64], Values]]:
        """Read a scan and yield its arrays; see `cut_volume`.

        Raises:
            DataError: The scan cannot be read.
        """
        yield from self.cut_volume(number, self.read(number))

    def read(self, number: int) -> Volume:
        """Read a scan.

        Raises:
            DataError: The scan cannot be read.
        """
        scan = self.scans[number]
        return read_volume(scan, series_to_read(scan, self.series))

    @property
    def num_bytes(self) -> int:
        """Size of all values."""
        return len(self.ids) * math.prod(self.shape) * self.dtype.itemsize

    def description(self) -> dict[str, Any]:
        """All parameters that determine the values, JSON-ready; scans by path, size and modification time."""
        return {
            "version": _VERSION,
            "source": self.source,
            "shape": list(self.shape),
            "dtype": self.dtype.name,
            "crops": len(self.ids),
            "cases": hashlib.sha256("\n".join(self.ids.tolist()).encode(errors="surrogateescape")).hexdigest(),
            **self.options(),
            **({} if self.series is None else {"series": self.series}),
            "scans": [
                {"path": absolute_path(path), "rows": len(rows), "files": scan_fingerprint(path)}
                for path, rows in zip(self.scans, self.rows, strict=True)
            ],
        }


def store_name(description: Mapping[str, Any]) -> str:
    """The name of a store: a digest of everything that determines its values, independent of its display name."""
    relevant = {key: value for key, value in description.items() if key != "source"}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()[:16]


def absolute_path(path: Path) -> str:
    """Normalize a path to an absolute one; links are not resolved."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps ".."


def scan_fingerprint(scan: Path) -> list[list[Any]]:
    """Name, size and modification time (ns) of each file of a scan; for an unreadable scan, of the path itself."""
    try:
        files = list_scan_files(scan)
    except DataError:
        files = [scan]
    stats = [(path.name, path.stat()) for path in files if path.exists()]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
