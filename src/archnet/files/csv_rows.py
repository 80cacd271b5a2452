"""csv files: strict reading by column name, parsing of finite numbers, and safe writing."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from archnet.errors import DataError, did_you_mean

_MAX_EXCERPT: Final = 80
_MAX_BYTES: Final = 1_000_000_000
"""Twenty times the size of LUNA16's longest list."""

_FORMULA: Final = re.compile(r"'*\s*[=+\-@]")
"""The beginning of a text that a spreadsheet may evaluate as a formula, with the quotes that prevent this."""

_LIST_REMEDY: Final = "Save it as text in UTF-8, columns separated by commas."


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A csv file in which every row has the fields of the header.

    Attributes:
        header: Column names, without duplicates.
        lines: Line number of each row, from 1.
        rows: The fields of each row.
    """

    header: list[str]
    lines: list[int]
    rows: list[list[str]]


def read_table(path: Path, remedy: str) -> Table:
    """Read a csv file that archnet wrote.

    Args:
        path: The file.
        remedy: What to do about a damaged file.

    Raises:
        FileNotFoundError: The file is missing.
        DataError: The file is not UTF-8 or not a csv table, is empty or too large, has a duplicate column, or has a row
            whose length differs from that of the header.
    """
    lines = _read_lines(path, remedy)
    header = _first_row(lines)
    if not header:
        raise DataError(f"{path}: is empty. {remedy}")
    repeated = next((name for name in header if header.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f'{path} line 1: the column "{excerpt([repeated])}" occurs twice. {remedy}')
    table = Table(header=header, lines=[], rows=[])
    for line, row in lines:
        if len(row) != len(header):
            raise DataError(f"{path} line {line}: {len(row)} fields, but the header has {len(header)}. {remedy}")
        table.lines.append(line)
        table.rows.append(row)
    return table


def read_header(path: Path) -> list[str]:
    """Read the column names of a csv file, without surrounding spaces.

    Raises:
        DataError: The file cannot be read, is not csv text or is empty.
    """
    try:
        header = _first_row(_read_lines(path, _LIST_REMEDY))
    except FileNotFoundError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from error
    if not header:
        raise DataError(f"{path}: is empty. {_LIST_REMEDY}")
    return [name.strip() for name in header]


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number, from 1, and the values of some columns for every row that is not blank.

    Args:
        path: A csv file whose first line names its columns; it may have other columns too.
        columns: The columns to read, in the order of the values.

    Raises:
        DataError: The file cannot be read or is not csv text, a column is missing or repeated, or a row has more or
            fewer fields than the header.
    """
    lines = _read_lines(path, _LIST_REMEDY)
    try:
        header = _first_row(lines)
        numbers = _column_numbers(header, columns, path)
        for line, row in lines:
            if row and (len(row) < len(header) or any(row[len(header) :])):
                raise DataError(f"{path} line {line}: expected {', '.join(columns)}, got {excerpt(row)}.")
            if row:
                yield line, [row[number].strip() for number in numbers]
    except FileNotFoundError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from error


def _read_lines(path: Path, remedy: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its last line, from 1."""
    last_line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            _check_size(path, os.fstat(file.fileno()).st_size, remedy)
            reader = csv.reader(_refuse_nul(file, path, remedy), strict=True)
            for row in reader:
                last_line = reader.line_num
                yield last_line, list(map(_original_text, row))
    except UnicodeDecodeError:
        raise DataError(f"{_undecodable_place(path)} not UTF-8 text. {remedy}") from None
    except csv.Error as error:
        raise DataError(f"{path} line {last_line + 1}: not a csv table ({error}). {remedy}") from None
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(*error.args) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error


def _first_row(lines: Iterator[tuple[int, list[str]]]) -> list[str]:
    """The fields of the next row; empty if there is none."""
    return next((row for _, row in lines), [])


def _check_size(path: Path, num_bytes: int, remedy: str) -> None:
    if num_bytes > _MAX_BYTES:
        raise DataError(f"{path}: larger than {_MAX_BYTES / 1e6:,.0f} MB, the limit for lists. {remedy}")


def _refuse_nul(lines: Iterable[str], path: Path, remedy: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise DataError(f"{path} line {number}: not a csv table (a null character). {remedy}")
        yield line


def _undecodable_place(path: Path) -> str:
    """Describe the location of the first byte that is not UTF-8: line and, if there are fields, column."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                column = line[: error.start].count(b",") + 1
                return f"{path} line {number}, column {column}:"
    return f"{path}:"


def parse_finite(words: Sequence[str], names: Sequence[str], path: Path, line: int) -> list[float]:
    """The numbers of a row.

    Args:
        words: One for each name.
        names: Columns, for the message.
        path: The file, for the message.
        line: Line number of the row, from 1.

    Raises:
        DataError: A word is not a finite number.
    """
    try:
        numbers = [parse_number(word) for word in words]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        name, word = next(pair for pair in zip(names, words, strict=True) if not _is_finite(pair[1]))
        raise DataError(f'{path} line {line}: {name} must be a finite number, got "{excerpt([word])}".')
    return numbers


def parse_number(word: str) -> float:
    """Parse a number; unlike `float`, reject digits of other scripts and underscores between digits.

    >>> parse_number(" 1e-3")
    0.001

    Raises:
        ValueError: The word is not a number.
    """
    if "_" in word or not word.isascii():
        raise ValueError(f"not a number: {word!r}")
    return float(word)


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(parse_number(word))
    except ValueError:
        return False


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    r"""Return the text of a csv file.

    Floats are read back to identical values. A text that a spreadsheet would evaluate as a formula is prefixed with a
    single quote, which the readers of this module remove.

    >>> csv_text(["case", "p"], [("a,b", 0.1), ("=1+2", -0.5)])
    'case,p\n"a,b",0.1\n\'=1+2,-0.5\n'
    """
    text = io.StringIO()
    write_rows(text, [header, *rows])
    return text.getvalue()


def write_rows(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Write rows, including the header, as `csv_text` formats them."""
    plain, quoted = (
        csv.writer(file, lineterminator="\n", quoting=quoting) for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    for row in rows:
        cells = [_safe_cell(cell) for cell in row]
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)  # unquoted, it ends the row
        (quoted if has_return else plain).writerow(cells)


def _safe_cell(cell: object) -> object:
    """Quote a cell that a spreadsheet would evaluate as a formula; numbers are unchanged.

    See OWASP, CSV injection. Texts that already begin with quotes and such a sign get one more quote, so
    `_original_text` is the inverse.
    """
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _is_number(cell):
        return cell
    return f"'{cell}"


def _original_text(field: str) -> str:
    """Remove the quote that `_safe_cell` added to a field."""
    return field[1:] if field.startswith("'") and _FORMULA.match(field) else field


def _is_number(text: str) -> bool:
    try:
        parse_number(text)
    except ValueError:
        return False
    return True


def excerpt(words: Sequence[str]) -> str:
    """Format a row of a list for a message: on one line, truncated if it is long."""
    text = repr(", ".join(words))[1:-1]
    return text if len(text) <= _MAX_EXCERPT else f"{text[:_MAX_EXCERPT]}…"


def _column_numbers(header: Sequence[str], columns: Sequence[str], path: Path) -> list[int]:
    names = [name.strip() for name in header]
    for column in columns:
        if names.count(column) != 1:
            hint = did_you_mean(column, {excerpt([name]) for name in names} - set(columns)) if len(names) > 1 else ""
            problem = "occurs twice." if column in names else f"is missing.{hint}"
            raise DataError(
                f'{path} line 1: the column "{column}" {problem} '
                f"Expected {', '.join(columns)} (separated by commas), got {excerpt(names) or 'nothing'}."
            )
    return [names.index(column) for column in columns]
