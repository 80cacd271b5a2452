"""LUNA16's lists: their file names, their columns, and rows of a series uid, a point and one more column.

Candidates, annotations and submissions are such rows. Points are world positions (x, y, z) in mm, LPS. A point hits a
finding if it is nearer to its centre than the radius.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archnet.files.csv_rows import csv_text, parse_finite, read_rows

SERIES_UID: Final = "seriesuid"
POINT: Final = ("coordX", "coordY", "coordZ")
CLASS: Final = "class"
DIAMETER: Final = "diameter_mm"
PROBABILITY: Final = "probability"

CANDIDATE_FILES: Final = ("candidates.csv", "candidates_V2.csv")
"""The two candidate lists that are published, in the order in which they are looked for."""

ANNOTATIONS_FILE: Final = "annotations.csv"
EXCLUDED_FILE: Final = "annotations_excluded.csv"
SERIES_FILE: Final = "seriesuids.csv"

LIDC_UID: Final = "1.3.6.1.4.1.14519.5.2.1.6279.6001."
"""Prefix of the series uids of LIDC-IDRI, which include LUNA16's 888."""

UNKNOWN_DIAMETER_MM: Final = 10.0
"""Diameter of a finding whose list gives a negative one, which means unknown."""


class PointRow(NamedTuple):
    """One row of a list.

    Attributes:
        line: Line in the file, from 1.
        uid: Series uid of the scan.
        point_mm: x, y, z.
        word: What the last column holds, unchecked; empty where none was asked for.
    """

    line: int
    uid: str
    point_mm: list[float]
    word: str


def read_point_rows(path: Path, last_column: str | None = None) -> Iterator[PointRow]:
    """The rows of a list.

    Raises:
        DataError: The list cannot be read, a column is missing, or a coordinate is no finite number.
    """
    columns = (SERIES_UID, *POINT, *([last_column] if last_column else []))
    for line, (uid, x, y, z, *words) in read_rows(path, columns):
        yield PointRow(line, uid, parse_finite((x, y, z), POINT, path, line), words[0] if words else "")


def point_rows_text(last_column: str, rows: Iterable[Iterable[object]]) -> str:
    """The text of a list; its numbers read back to the very same floats.

    Args:
        rows: Series uid, x, y, z and the value of the last column.
    """
    return csv_text((SERIES_UID, *POINT, last_column), rows)


def series_text(uids: Iterable[str]) -> str:
    """The text of a list of series: one uid a line, without a header, as LUNA16 publishes it."""
    return "".join(f"{uid}\n" for uid in uids)


def are_hits(
    points_mm: NDArray[np.float64], centres_mm: NDArray[np.float64], diameters_mm: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each of M points hits each of F findings, shape (F, M): strictly nearer to the centre than the radius.

    Args:
        points_mm: Shape (M, 3).
        centres_mm: Centres of the findings, shape (F, 3).
        diameters_mm: Shape (F,); a negative one is unknown and counts as `UNKNOWN_DIAMETER_MM`.
    """
    radii_mm = np.where(diameters_mm < 0, UNKNOWN_DIAMETER_MM, diameters_mm) / 2
    offsets_mm = centres_mm[:, None] - points_mm[None]
    is_hit: NDArray[np.bool_] = (offsets_mm**2).sum(axis=-1) < radii_mm[:, None] ** 2
    return is_hit
