"""The columns of `predictions.csv`: their names, and checks of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.files.csv_rows import excerpt, parse_number

FIXED_COLUMNS: Final = ("case", "group", "set", "y_true")
PROBABILITY: Final = "p_"
"""Prefix of probability columns, before the name of the class."""
SOFT: Final = "soft_"
"""Prefix of soft-label columns, before the name of the class."""
WEIGHT: Final = "weight"

REMEDY: Final = "Restore the file, or run the experiment again."

_SUM_TOLERANCE: Final = 0.01
"""Tolerance for the sum of a row of shares, which covers float16 rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file.

    Attributes:
        classes: Names of the classes.
        soft: The columns of soft labels; empty where the file has none.
        has_weight: Whether the cases have weights.
    """

    classes: tuple[str, ...]
    soft: tuple[str, ...]
    has_weight: bool

    @property
    def probabilities(self) -> tuple[str, ...]:
        """The columns of probabilities."""
        return tuple(f"{PROBABILITY}{name}" for name in self.classes)


def parse_header(path: Path, header: Sequence[str]) -> Header:
    """The columns of a file, from its first line.

    Raises:
        DataError: The first line does not have the columns of predictions.
    """
    tail = list(header[len(FIXED_COLUMNS) :])
    classes = tuple(name.removeprefix(PROBABILITY) for name in tail if name.startswith(PROBABILITY))
    has_weight = tail[-1:] == [WEIGHT]
    has_soft = len(tail) > len(classes) + has_weight
    soft = tuple(f"{SOFT}{name}" for name in classes) if has_soft else ()
    columns = Header(classes=classes, soft=soft, has_weight=has_weight)
    is_table = tuple(header[: len(FIXED_COLUMNS)]) == FIXED_COLUMNS and len(set(classes)) == len(classes) >= 2
    if is_table and tail == [*columns.probabilities, *columns.soft, *([WEIGHT] if columns.has_weight else [])]:
        return columns
    raise DataError(
        f"{path} line 1: the columns are {','.join(header)}; expected case,group,set,y_true and one p_<class> "
        f"for each of two or more classes, optionally one soft_<class> for each, and weight. {REMEDY}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumns:
    """The columns of numbers, as text.

    Attributes:
        places: File and line of each row.
        columns: One text per row, by column.
    """

    places: Sequence[str]
    columns: Mapping[str, Sequence[str]]

    def shares(self, names: Sequence[str], what: str) -> NDArray[np.float64]:
        """Some columns as an (N, K) array whose rows sum to 1.

        Args:
            names: The K columns.
            what: What they hold, for messages.

        Raises:
            DataError: A field is not a number from 0 to 1, or a row does not sum to 1.
        """
        table = self._parse(names, "not a number from 0 to 1")
        if not np.all((table >= 0) & (table <= 1)):
            raise self._bad_field(names, lambda field: not 0 <= float(field) <= 1, "not a number from 0 to 1")
        wrong = np.abs(table.sum(axis=1) - 1) > _SUM_TOLERANCE
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(f"{self.places[row]}: the {what} sum to {table[row].sum():.4g}, not to 1. {REMEDY}")
        return np.ascontiguousarray(table)

    def weights(self, name: str) -> NDArray[np.float64]:
        """A column of positive numbers, (N,).

        Raises:
            DataError: A field is not a positive number.
        """
        column = self._parse([name], "not a positive number")[:, 0]
        if not np.all((column > 0) & (column < np.inf)):
            raise self._bad_field([name], lambda field: not 0 < float(field) < np.inf, "not a positive number")
        return column

    def _parse(self, names: Sequence[str], fault: str) -> NDArray[np.float64]:
        try:
            return np.array([list(map(parse_number, self.columns[name])) for name in names], dtype=np.float64).T
        except ValueError:
            raise self._bad_field(names, _is_not_a_number, fault) from None

    def _bad_field(self, names: Sequence[str], is_bad: Callable[[str], bool], fault: str) -> DataError:
        """The error for the first field that `is_bad`, by rows."""
        rows = zip(self.places, zip(*(self.columns[name] for name in names), strict=True), strict=True)
        place, name, field = next(
            (place, name, field) for place, row in rows for name, field in zip(names, row, strict=True) if is_bad(field)
        )
        return DataError(f'{place}: {name} is "{excerpt([field])}", {fault}. {REMEDY}')


def _is_not_a_number(field: str) -> bool:
    try:
        parse_number(field)
    except ValueError:
        return True
    return False
