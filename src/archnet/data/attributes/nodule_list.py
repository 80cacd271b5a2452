"""LUNA16's list of nodules, and the nodules that candidates hit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.files.attribute_values import Attribute
from archnet.files.csv_rows import parse_finite
from archnet.files.luna16_lists import DIAMETER, are_hits, read_point_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoduleList:
    """The nodules of annotations.csv, one row per nodule.

    Attributes:
        series: Series uid of each nodule.
        points_mm: (n, 3) centres (x, y, z), LPS.
        diameters_mm: (n,) in mm; negative where unknown.
        lines: (n,) line number in the file, from 1.
    """

    series: list[str]
    points_mm: NDArray[np.float64]
    diameters_mm: NDArray[np.float64]
    lines: NDArray[np.int64]

    def select(self, rows: NDArray[np.int64]) -> NoduleList:
        """Select nodules by row, in the order of `rows`."""
        return NoduleList(
            series=[self.series[row] for row in rows.tolist()],
            points_mm=self.points_mm[rows],
            diameters_mm=self.diameters_mm[rows],
            lines=self.lines[rows],
        )

    def rows_by_scan(self) -> dict[str, NDArray[np.int64]]:
        """The rows of each scan, ascending."""
        rows: dict[str, list[int]] = defaultdict(list)
        for row, uid in enumerate(self.series):
            rows[uid].append(row)
        return {uid: np.array(members, np.int64) for uid, members in rows.items()}


def read_nodule_list(path: Path) -> NoduleList:
    """Read the nodules of annotations.csv.

    Raises:
        DataError: The list is damaged.
    """
    rows = list(read_point_rows(path, DIAMETER))
    diameters = [parse_finite([row.word], [DIAMETER], path, row.line)[0] for row in rows]
    return NoduleList(
        series=[row.uid for row in rows],
        points_mm=np.array([row.point_mm for row in rows], dtype=np.float64).reshape(-1, 3),
        diameters_mm=np.array(diameters, dtype=np.float64),
        lines=np.array([row.line for row in rows], dtype=np.int64),
    )


def hit_nodules(
    nodules: NoduleList, series: Sequence[str], points_mm: NDArray[np.float64], is_positive: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The row of the nodule that each positive candidate hits; -1 for other candidates and without a hit.

    A candidate hits a nodule if its distance from the centre is strictly less than the radius, as in LUNA16's
    evaluation; of several hits, the one with the nearest centre counts.

    Args:
        nodules: The list.
        series: Series uid of each candidate.
        points_mm: (n, 3) positions (x, y, z), LPS.
        is_positive: (n,) whether a candidate is a nodule.
    """
    rows_by_series: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(is_positive).tolist():
        rows_by_series[series[row]].append(row)
    hits = np.full(len(series), -1, dtype=np.int64)
    for uid, listed in nodules.rows_by_scan().items():
        rows = rows_by_series.get(uid)
        if rows:
            nearest = _nearest_hits(nodules.points_mm[listed], nodules.diameters_mm[listed], points_mm[rows])
            hits[rows] = np.where(nearest < 0, -1, listed[nearest])
    return hits


def hit_diameters(nodules: NoduleList, hits: NDArray[np.int64]) -> Attribute:
    """The diameter of the nodule that each candidate hits, in mm, as text.

    It is empty for candidates without a hit and for nodules of unknown diameter (negative in the list).

    Args:
        nodules: The list.
        hits: (n,) row of the nodule of each candidate, -1 for none.
    """
    texts = [repr(value) if value >= 0 else "" for value in nodules.diameters_mm.tolist()]
    return np.array([*texts, ""], dtype=object)[hits]


def _nearest_hits(
    centres_mm: NDArray[np.float64], diameters_mm: NDArray[np.float64], points_mm: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Index of the nearest nodule (F, 3) that each point (M, 3) hits; -1 without a hit."""
    distances = np.linalg.norm(centres_mm[:, None] - points_mm[None], axis=-1)
    distances[~are_hits(points_mm, centres_mm, diameters_mm)] = np.inf
    nearest: NDArray[np.int64] = np.where(np.isfinite(distances).any(axis=0), distances.argmin(axis=0), -1)
    return nearest
