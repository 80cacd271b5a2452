"""Crops, cut while their scan is open: every scan is opened once, however many candidates it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Progress, silent
from archnet.errors import DataError
from archnet.imaging import crop, nearest_index, read_volume
from archnet.imaging.volume import Hu


def cut_crops(
    scans: NDArray[np.str_],
    points_mm: NDArray[np.float64],
    places: NDArray[np.str_],
    size: tuple[int, int, int],
    progress: Progress = silent,
) -> NDArray[np.int16]:
    """The crop around each of many points.

    Args:
        scans: (n,) the scan file of each point; points of one scan need not stand together.
        points_mm: (n, 3) world positions (x, y, z), LPS.
        places: (n,) where each point stands in its list, for messages.
        size: Voxels as (height, width, depth).

    Returns:
        (n, height, width, depth), HU.

    Raises:
        DataError: A scan cannot be read, or a point lies outside its scan.
    """
    crops = np.empty((len(scans), *size), dtype=np.int16)
    names, scan_of_row = np.unique(scans, return_inverse=True)
    rows_of_scan = np.split(np.argsort(scan_of_row, kind="stable"), np.cumsum(np.bincount(scan_of_row))[:-1])
    for name, rows in progress(zip(names.tolist(), rows_of_scan, strict=True), "Cutting crops", len(names)):
        _cut_scan(Path(name), points_mm[rows], places[rows], crops, rows)
    return crops


def _cut_scan(
    path: Path,
    points_mm: NDArray[np.float64],
    places: NDArray[np.str_],
    crops: NDArray[np.int16],
    rows: NDArray[np.int64],
) -> None:
    """Cuts all crops of one scan into their rows."""
    volume = read_volume(path)
    height, width, depth = crops.shape[1:]
    indices = nearest_index(volume, points_mm)
    outside = ((indices < 0) | (indices >= volume.hu.shape)).any(axis=1)
    if outside.any():
        first = int(outside.argmax())
        x, y, z = (round(value, 3) for value in points_mm[first].tolist())
        raise DataError(f"{places[first]}: the point ({x}, {y}, {z}) mm lies outside scan {path.name}.")
    for row, (z, y, x) in zip(rows.tolist(), indices.tolist(), strict=True):
        crops[row] = _whole_hu(crop(volume, (z, y, x), (height, width, depth)))


def _whole_hu(hu: Hu) -> NDArray[np.int16]:
    if hu.dtype == np.int16:
        return hu.astype(np.int16, copy=False)
    return np.clip(np.rint(hu), -32768, 32767).astype(np.int16)
