"""csv lists that lie beside scans."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from archnet.errors import DataError, did_you_mean

_MAX_EXCERPT = 80


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number, from 1, and the values of some columns, of every row that is not blank.

    Args:
        path: Of a csv file whose first line names its columns; others may stand between the wanted ones.
        columns: The wanted ones, in the wanted order.

    Raises:
        DataError: It is forbidden or no csv text, a column is missing or stands twice, or a row ends too early.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            numbers = _column_numbers(next(reader, []), columns, path)
            for line, row in enumerate(reader, start=2):
                if row and len(row) <= max(numbers):
                    raise DataError(f"{path} line {line}: expected {', '.join(columns)}, got {excerpt(row)}.")
                if row:
                    yield line, [row[number].strip() for number in numbers]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path}: not a readable csv file ({error}). Save it as text in UTF-8, columns separated by commas."
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error


def excerpt(words: Sequence[str]) -> str:
    """A row of a list in a message: on one line, and not all of it if it is long."""
    text = repr(", ".join(words))[1:-1]
    return text if len(text) <= _MAX_EXCERPT else f"{text[:_MAX_EXCERPT]}…"


def _column_numbers(header: Sequence[str], columns: Sequence[str], path: Path) -> list[int]:
    names = [name.strip() for name in header]
    for column in columns:
        if names.count(column) != 1:
            hint = did_you_mean(column, set(names) - set(columns)) if len(names) > 1 else ""
            problem = "stands twice." if column in names else f"is missing.{hint}"
            raise DataError(
                f'{path} line 1: the column "{column}" {problem} '
                f"Expected {', '.join(columns)} (separated by commas), got {excerpt(names) or 'nothing'}."
            )
    return [names.index(column) for column in columns]
