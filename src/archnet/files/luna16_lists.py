"""The csv lists of LUNA16: file names, columns, and rows with a series uid, a point and one more column.

Candidates, annotations and submissions have such rows. Points are world positions (x, y, z) in mm, LPS. A point hits a
finding if its distance from the centre is less than the radius.
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
"""The two published candidate lists, in search order."""

ANNOTATIONS_FILE: Final = "annotations.csv"
EXCLUDED_FILE: Final = "annotations_excluded.csv"
SERIES_FILE: Final = "seriesuids.csv"

LIDC_UID: Final = "1.3.6.1.4.1.14519.5.2.1.6279.6001."
"""Prefix of the series uids of LIDC-IDRI, which include LUNA16's 888."""

UNKNOWN_DIAMETER_MM: Final = 10.0
"""Diameter of a finding with a negative diameter in its list, which means unknown."""


class PointRow(NamedTuple):
    """One row of a list.

    Attributes:
        line: Line in the file, from 1.
        uid: Series uid of the scan.
        point_mm: x, y, z.
        word: Unchecked value of the last column; empty if none was requested.
    """

    line: int
    uid: str
    point_mm: list[float]
    word: str


def read_point_rows(path: Path, last_column: str | None = None) -> Iterator[PointRow]:
    """Read the rows of a list.

    Raises:
        DataError: The list cannot be read, a column is missing, or a coordinate is not a finite number.
    """
    columns = (SERIES_UID, *POINT, *([last_column] if last_column else []))
    for line, (uid, x, y, z, *words) in read_rows(path, columns):
        yield PointRow(line, uid, parse_finite((x, y, z), POINT, path, line), words[0] if words else "")


def point_rows_text(last_column: str, rows: Iterable[Iterable[object]]) -> str:
    """Return the text of a list; its numbers are read back to identical floats.

    Args:
        rows: Series uid, x, y, z and the value of the last column.
    """
    return csv_text((SERIES_UID, *POINT, last_column), rows)


def series_text(uids: Iterable[str]) -> str:
    """Return the text of a list of series: one uid per line, without a header, as published by LUNA16."""
    return "".join(f"{uid}\n" for uid in uids)


def are_hits(
    points_mm: NDArray[np.float64], centres_mm: NDArray[np.float64], diameters_mm: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each of M points hits each of F findings, shape (F, M): its distance is strictly less than the radius.

    Args:
        points_mm: Shape (M, 3).
        centres_mm: Centres of the findings, shape (F, 3).
        diameters_mm: Shape (F,); a negative one is unknown and counts as `UNKNOWN_DIAMETER_MM`.
    """
    radii_mm = np.where(diameters_mm < 0, UNKNOWN_DIAMETER_MM, diameters_mm) / 2
    offsets_mm = centres_mm[:, None] - points_mm[None]
    is_hit: NDArray[np.bool_] = (offsets_mm**2).sum(axis=-1) < radii_mm[:, None] ** 2
    return is_hit
