"""The diameter of the nodule that each positive candidate hits, from LUNA16's annotations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.files.attribute_values import Attribute
from archnet.files.csv_rows import parse_finite
from archnet.files.luna16_lists import DIAMETER, are_hits, read_point_rows

Rows = list[list[float]]
"""x, y, z and the diameter of each nodule, in mm."""


def hit_diameters(
    path: Path, series: Sequence[str], points_mm: NDArray[np.float64], is_positive: NDArray[np.bool_]
) -> Attribute:
    """The diameter of the nodule that each positive candidate hits, in mm, as text.

    A candidate hits a nodule if it is strictly nearer to its centre than its radius, as in LUNA16's evaluation; of
    several, the one with the nearest centre counts. The diameter is empty for other candidates, for positive ones that
    hit no nodule, and where the list does not know it (a negative one).

    Args:
        path: annotations.csv.
        series: Series uid of each candidate.
        points_mm: (n, 3) positions (x, y, z), LPS.
        is_positive: (n,) whether a candidate is a nodule.

    Raises:
        DataError: The list is damaged.
    """
    nodules = _read_nodules(path)
    rows_by_series: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(is_positive).tolist():
        rows_by_series[series[row]].append(row)
    diameters = np.full(len(series), "", dtype=object)
    for uid, rows in rows_by_series.items():
        if uid in nodules:
            diameters[rows] = _nearest_diameters(np.array(nodules[uid]), points_mm[rows])
    return diameters


def _read_nodules(path: Path) -> dict[str, Rows]:
    nodules: dict[str, Rows] = defaultdict(list)
    for row in read_point_rows(path, DIAMETER):
        (diameter,) = parse_finite([row.word], [DIAMETER], path, row.line)
        nodules[row.uid].append([*row.point_mm, diameter])
    return nodules


def _nearest_diameters(nodules: NDArray[np.float64], points_mm: NDArray[np.float64]) -> list[str]:
    """The diameter of the nearest of the nodules (F, 4) that each point hits; empty where it hits none."""
    centres_mm, diameters_mm = nodules[:, :3], nodules[:, 3]
    distances = np.linalg.norm(centres_mm[:, None] - points_mm[None], axis=-1)
    distances[~are_hits(points_mm, centres_mm, diameters_mm)] = np.inf
    nearest, is_hit = distances.argmin(axis=0), np.isfinite(distances).any(axis=0)
    chosen = diameters_mm[nearest].tolist()
    return [repr(value) if found and value >= 0 else "" for value, found in zip(chosen, is_hit.tolist(), strict=True)]
