"""cases.csv of a run folder: the attributes of its cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.files.attribute_values import ATTRIBUTES_FILE, Attribute
from archnet.files.csv_rows import Table, excerpt, read_table
from archnet.files.terminal_text import escape_name

_KEY: Final = "case"
_MAX_COLUMNS: Final = 100
_REMEDY: Final = "Restore the file, or remove it and run: archnet report --accept-edits"


def read_case_columns(folder: Path) -> dict[str, dict[str, str]]:
    """Read the attributes of a run folder: the value of every case for each attribute; empty if there are none.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / ATTRIBUTES_FILE
    if not path.exists():
        return {}
    remedy = f"{_REMEDY} {folder}"
    table = read_table(path, remedy)
    _check_header(path, table, remedy)
    repeated = next((case for case, count in Counter(row[0] for row in table.rows).items() if count > 1), None)
    if repeated is not None:
        raise DataError(f'{path}: the case "{excerpt([repeated])}" has more than one row. {remedy}')
    return {
        escape_name(name): {row[0]: escape_name(row[number]) for row in table.rows}
        for number, name in enumerate(table.header)
        if number
    }


def _check_header(path: Path, table: Table, remedy: str) -> None:
    if table.header[0] != _KEY:
        raise DataError(f'{path} line 1: the first column is "{excerpt(table.header[:1])}", not "{_KEY}". {remedy}')
    if len(table.header) > _MAX_COLUMNS + 1:
        raise DataError(f"{path} line 1: has more than {_MAX_COLUMNS} attributes. {remedy}")


def select_cases(values: Mapping[str, str], cases: NDArray[np.str_]) -> Attribute:
    """The values of some cases, (N,); empty if a case has none."""
    return np.array([values.get(case, "") for case in cases.tolist()], dtype=object)
