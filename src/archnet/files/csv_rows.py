"""csv files: strict reading by column name, numbers that must be finite, and the text of a file to write."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from archnet.errors import DataError, did_you_mean

_MAX_EXCERPT = 80


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The line number, from 1, and the values of some columns of every row that is not blank.

    Args:
        path: A csv file whose first line names its columns; it may have further ones.
        columns: The columns to read, in the order of the values.

    Raises:
        DataError: The file cannot be read or is no csv text, a column is missing or repeated, or a row is too short.
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


def parse_finite(words: Sequence[str], names: Sequence[str], path: Path, line: int) -> list[float]:
    """The numbers of a row.

    Args:
        words: One for each name.
        names: Columns, for the message.
        path: The file, for the message.
        line: The row's line in it, from 1.

    Raises:
        DataError: A word is no finite number.
    """
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        name, word = next(pair for pair in zip(names, words, strict=True) if not _is_finite(pair[1]))
        raise DataError(f'{path} line {line}: {name} must be a finite number, got "{excerpt([word])}".')
    return numbers


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    r"""The text of a csv file; floats are written so that they read back to the very same values.

    >>> csv_text(["case", "p"], [("a,b", 0.1)])
    'case,p\n"a,b",0.1\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


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
