"""Read the readings of LIDC-IDRI (Armato et al. 2011, doi:10.1118/1.3528204), and check every row."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archnet.data.readings.contour_shape import Contour, NoduleShape, measure_contours
from archnet.data.readings.reader_names import reader_name
from archnet.data.readings.readings_database import RATINGS, REMEDY, open_database, select_all
from archnet.errors import DataError
from archnet.files.csv_rows import excerpt

_MAX_ANNOTATIONS: Final = 1_000
"""Maximum number of annotations of a scan; LIDC-IDRI has at most 49."""

_MAX_CONTOURS: Final = 5_000
"""Maximum number of contours of an annotation; LIDC-IDRI has at most 88."""

_MAX_CONTOUR_LENGTH: Final = 100_000
"""Maximum number of characters of a contour; LIDC-IDRI has at most 2,423."""

_MAX_SPACING_MM: Final = 100

_LINE: Final = re.compile("[0-9]{1,5},[0-9]{1,5}")
_CONTOUR: Final = re.compile(rf"{_LINE.pattern}(\n{_LINE.pattern})*\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The reading of one nodule by one reader.

    Attributes:
        annotation: Number of the annotation in the file.
        reader: Equal for annotations of a scan that are known to be by one reader; see `reader_name`.
        shape: Centre and size of the nodule.
        ratings: Ratings by the columns of `RATINGS`; missing ratings are absent.
    """

    annotation: int
    reader: str
    shape: NoduleShape
    ratings: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReadings:
    """The readings of one scan.

    Attributes:
        patient: The patient, such as "LIDC-IDRI-0332".
        pixel_spacing_mm: Distance between columns and between rows.
        readings: The readings, in the order of the file.
    """

    patient: str
    pixel_spacing_mm: float
    readings: tuple[Reading, ...]


class _ScanRow(NamedTuple):
    uid: str
    patient: str
    pixel_spacing_mm: float


def read_readings(path: Path, series: Collection[str]) -> dict[str, ScanReadings]:
    """Read the readings of scans, by series uid; series that the file does not contain are absent.

    Args:
        path: The SQLite file.
        series: Uids of the scans.

    Raises:
        DataError: The file is damaged, is not a file of readings, or contains none of the series.
    """
    with open_database(path) as connection:
        scans = {number: scan for number, scan in _read_scans(connection, path) if scan.uid in series}
        readings = _read_annotations(connection, path, scans)
    if not scans:
        raise DataError(
            f"{path}: the file contains none of the {len(series):,} series, such as {min(series, default='none')}. "
            "Only scans of LIDC-IDRI have readings; LUNA16's are among them. The names of the scan files must be the "
            "series uids."
        )
    return {
        scan.uid: ScanReadings(
            patient=scan.patient, pixel_spacing_mm=scan.pixel_spacing_mm, readings=tuple(readings[number])
        )
        for number, scan in scans.items()
    }


def _read_scans(connection: sqlite3.Connection, path: Path) -> Iterator[tuple[int, _ScanRow]]:
    seen = set()
    for number, uid, patient, spacing in connection.execute(select_all("scans")):
        is_named = all(isinstance(name, str) and name.strip() for name in (uid, patient))
        if not (is_named and isinstance(spacing, int | float) and 0 < spacing < _MAX_SPACING_MM):
            raise DataError(f"{path}: scan {number} needs a series uid, a patient and a pixel spacing in mm. {REMEDY}")
        if uid in seen:
            raise DataError(f"{path}: the series {uid} occurs twice. {REMEDY}")
        seen.add(uid)
        yield number, _ScanRow(uid, patient, spacing)


def _read_annotations(connection: sqlite3.Connection, path: Path, scans: Collection[int]) -> dict[int, list[Reading]]:
    """Read the annotations of scans, by the number of the scan."""
    rows = [row for row in connection.execute(select_all("annotations")) if row[1] in scans]
    contours = _read_contours(connection, path, {row[0] for row in rows})
    readings: dict[int, list[Reading]] = defaultdict(list)
    for number, scan, nodule, *values in rows:
        if len(readings[scan]) == _MAX_ANNOTATIONS:
            raise DataError(f"{path}: scan {scan} has more than {_MAX_ANNOTATIONS:,} annotations. {REMEDY}")
        try:
            shape = measure_contours(contours[number])
            ratings = _check_ratings(values)
        except ValueError as error:
            raise DataError(f"{path}: annotation {number} {error}. {REMEDY}") from error
        reader = reader_name(str(nodule), number)
        readings[scan].append(Reading(annotation=number, reader=reader, shape=shape, ratings=ratings))
    return readings


def _check_ratings(values: list[object]) -> dict[str, int]:
    """Return the ratings that are present.

    Raises:
        ValueError: A rating is not a whole number in its range.
    """
    ratings = {}
    for (name, highest), value in zip(RATINGS.items(), values, strict=True):
        if value is None:
            continue
        if not isinstance(value, int) or not 1 <= value <= highest:
            raise ValueError(f"has {name} {str(value)[:20]}, expected 1 to {highest}")
        ratings[name] = value
    return ratings


def _read_contours(
    connection: sqlite3.Connection, path: Path, annotations: Collection[int]
) -> dict[int, list[Contour]]:
    contours: dict[int, list[Contour]] = defaultdict(list)
    for number, annotation, inclusion, z_mm, text in connection.execute(select_all("contours")):
        if annotation not in annotations:
            continue
        if len(contours[annotation]) == _MAX_CONTOURS:
            raise DataError(f"{path}: annotation {annotation} has more than {_MAX_CONTOURS:,} contours. {REMEDY}")
        try:
            contours[annotation].append(
                Contour(points=parse_contour(text), z_mm=_check_position(z_mm), is_inside=_check_inclusion(inclusion))
            )
        except ValueError as error:
            raise DataError(f"{path}: contour {number} {error}. {REMEDY}") from error
    return contours


def _check_position(z_mm: object) -> float:
    if not isinstance(z_mm, int | float) or not abs(z_mm) < 1e6:
        raise ValueError(f"has the position {str(z_mm)[:20]}, expected millimetres")
    return float(z_mm)


def _check_inclusion(inclusion: object) -> bool:
    if inclusion not in (0, 1):
        raise ValueError(f"has the inclusion {str(inclusion)[:20]}, expected 1, or 0 for a hole")
    return bool(inclusion)


def parse_contour(text: object) -> NDArray[np.float64]:
    r"""Parse the vertices (n, 2) of a contour from lines "column,row".

    Raises:
        ValueError: The text is too long, or has a line of a different form.

    >>> parse_contour("364,172\n364,171").tolist()
    [[364.0, 172.0], [364.0, 171.0]]
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("has no points")
    if len(text) > _MAX_CONTOUR_LENGTH:
        raise ValueError(f"has {len(text):,} characters, but at most {_MAX_CONTOUR_LENGTH:,} are read")
    if _CONTOUR.fullmatch(text) is None:
        line = next(line for line in text.removesuffix("\n").split("\n") if _LINE.fullmatch(line) is None)
        raise ValueError(f'has the line "{excerpt([line])}", expected a column and a row such as "364,172"')
    return np.fromstring(text.replace("\n", ","), dtype=np.float64, sep=",").reshape(-1, 2)
