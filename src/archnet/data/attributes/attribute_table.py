"""A user's table of case attributes (`data.cases`), such as scanner, texture or site.

One column identifies the rows: `case`, `seriesuid` (a scan) or `group` (a patient). A row for a scan or a group applies
to all its cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.case_table import CaseTable
from archnet.data.checks.findings import Finding, Severity, first_names
from archnet.data.checks.left_out import MAX_CASES
from archnet.errors import DataError, pluralize
from archnet.files.attribute_values import ATTRIBUTES_FILE, Attribute, is_number, is_unknown
from archnet.files.csv_rows import excerpt, read_header, read_rows
from archnet.files.luna16_lists import SERIES_UID
from archnet.files.path_argument import option_file
from archnet.files.terminal_text import has_unsafe_characters
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Data

KEY_COLUMNS: Final = ("case", SERIES_UID, "group")
"""Columns that identify the rows; if there are several, the first is used."""

MAX_COLUMNS: Final = 50
MAX_NAME_LENGTH: Final = 64
MAX_VALUE_LENGTH: Final = 200

_MIXED_SHARE: Final = 0.5
"""Minimum share of numbers in a text column for which the other values are probably mistakes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListedAttributes:
    """The attributes that a table gives for the cases of a data set.

    Attributes:
        columns: For each attribute one value per case, (N,); empty if it is unknown.
        findings: Findings about the table.
    """

    columns: Mapping[str, Attribute]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The rows of a table.

    Attributes:
        path: The file.
        key: Column that identifies the rows.
        names: Names of the attributes.
        values: Values of each row, by its name.
        lines: Line number of each row, from 1, by its name.
    """

    path: Path
    key: str
    names: list[str]
    values: dict[str, list[str]]
    lines: dict[str, int]


def find_attribute_table(data: Data, root: Path | None) -> Path | None:
    """Find the table of a data set: `data.cases`, or else cases.csv in its folder (NAME.cases.csv next to a file).

    Args:
        data: The options.
        root: Folder or file of the data set.

    Raises:
        DataError: `data.cases` is not a file.
    """
    if data.cases is not None:
        return option_file(data.cases, "data.cases")
    if root is None:
        return None
    default = root.with_suffix(f".{ATTRIBUTES_FILE}") if DATASETS[data.name].is_file else root / ATTRIBUTES_FILE
    return default if default.is_file() else None


def read_attributes(path: Path, cases: CaseTable) -> ListedAttributes:
    """Read a table of attributes for the cases of a data set.

    Raises:
        DataError: The table is damaged, has duplicate rows, or names no case of the data set.
    """
    table = _read_table(path)
    case_keys, place_of_case = np.unique(_keys(table.key, cases), return_inverse=True)
    known = case_keys.tolist()
    known_names = set(known)
    unknown = [name for name in table.values if name not in known_names]
    if len(unknown) == len(table.values):
        raise DataError(
            f"{path}: none of its {len(unknown):,} rows matches a {table.key} in the data. The first row has "
            f"{excerpt([unknown[0]])}; the data contain, for example, {known[0]}."
        )
    blank = [""] * len(table.names)
    rows = [table.values.get(name, blank) for name in known]
    columns = {
        name: np.array([row[number] for row in rows], dtype=object)[place_of_case]
        for number, name in enumerate(table.names)
    }
    return ListedAttributes(columns=columns, findings=(*_find_unknown(table, unknown), *_find_mixed(table)))


def _keys(key: str, cases: CaseTable) -> NDArray[np.str_]:
    """The name of each case in a table."""
    if key == SERIES_UID:
        return np.array([case.rpartition("#")[0] or case for case in cases.ids.tolist()], dtype=np.str_)
    return cases.ids if key == "case" else cases.groups


def _read_table(path: Path) -> _Table:
    header = read_header(path)
    key = _find_key(path, header)
    names = [name for name in header if name not in KEY_COLUMNS]
    _check_names(path, key, names)
    table = _Table(path=path, key=key, names=names, values={}, lines={})
    for line, (name, *values) in read_rows(path, (key, *names)):
        _check_row(table, line, name, values)
        table.values[name] = ["" if is_unknown(value) else value for value in values]
        table.lines[name] = line
    if not table.values:
        raise DataError(f"{path}: the table has no rows. Add one for each {key}, or remove the file.")
    return table


def _find_key(path: Path, header: Sequence[str]) -> str:
    key = next((name for name in KEY_COLUMNS if name in header), None)
    if key is None:
        raise DataError(
            f'{path} line 1: no column identifies the rows. Add the column "case", "{SERIES_UID}" (a scan) or "group" '
            f"(a patient); got {excerpt(header)}."
        )
    return key


def _check_names(path: Path, key: str, names: Sequence[str]) -> None:
    if not names:
        raise DataError(f'{path} line 1: has no attribute besides "{key}". Add a column, or remove the file.')
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{path} line 1: {len(names):,} attributes, but at most {MAX_COLUMNS} are read. Remove some.")
    for name in names:
        if not name or len(name) > MAX_NAME_LENGTH or has_unsafe_characters(name):
            raise DataError(
                f'{path} line 1: "{excerpt([name])}" is not a valid attribute name. Use 1 to {MAX_NAME_LENGTH} '
                "characters, without control characters."
            )


def _check_row(table: _Table, line: int, name: str, values: Sequence[str]) -> None:
    place = f"{table.path} line {line}"
    if not name:
        raise DataError(f"{place}: the row has no {table.key}. Add it or remove the line.")
    if name in table.lines:
        raise DataError(
            f'{place}: the {table.key} "{excerpt([name])}" is already in line {table.lines[name]}. Keep one of them.'
        )
    for column, value in zip(table.names, values, strict=True):
        if len(value) > MAX_VALUE_LENGTH or has_unsafe_characters(value):
            raise DataError(
                f'{place}: {column} is "{excerpt([value])}". Use at most {MAX_VALUE_LENGTH} characters, without '
                "control characters."
            )


def _find_unknown(table: _Table, unknown: Sequence[str]) -> Iterator[Finding]:
    """Report rows for cases that are not in the data; only a note if the data are incomplete."""
    if not unknown:
        return
    severity: Severity = "note" if len(unknown) <= len(table.values) / 2 else "warning"
    yield Finding(
        check="case_attributes",
        severity=severity,
        message=f"{len(unknown):,} of the {pluralize(len(table.values), 'row')} of {table.path.name} "
        f"{'names' if len(unknown) == 1 else 'name'} a {table.key} that the data do not contain: "
        f"{first_names([excerpt([name]) for name in unknown])}.",
        cases=tuple(unknown[:MAX_CASES]),
        remedy="" if severity == "note" else f'Compare the column "{table.key}" with the names in the data.',
    )


def _find_mixed(table: _Table) -> Iterator[Finding]:
    """Report columns of numbers that are read as text because a few values are not numbers."""
    for number, column in enumerate(table.names):
        known = {name: row[number] for name, row in table.values.items() if row[number]}
        texts = [name for name, value in known.items() if not is_number(value)]
        if texts and len(texts) <= (1 - _MIXED_SHARE) * len(known):
            first = texts[0]
            yield Finding(
                check="case_attributes",
                severity="warning",
                message=f'{table.path.name}: the column "{column}" is read as text, since {len(texts):,} of its '
                f"{pluralize(len(known), 'value')} {'is not a number' if len(texts) == 1 else 'are not numbers'}: "
                f'"{excerpt([known[first]])}" in line {table.lines[first]}.',
                cases=tuple(texts[:MAX_CASES]),
                remedy="Correct these values, or leave them empty where they are unknown.",
            )
