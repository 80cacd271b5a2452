"""Values of case attributes, such as a diameter or a scanner: numbers, text, or unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.files.csv_rows import parse_number

ATTRIBUTES_FILE: Final = "cases.csv"
"""Name of the table of attributes in a run folder and in a data folder."""

GEOMETRY_COLUMNS: Final = ("slice_spacing_mm", "pixel_spacing_mm", "num_slices", "num_rows", "num_columns")
"""Attributes that the header of every scan has."""

Attribute = NDArray[np.object_]
"""One text per case; empty if the value is unknown."""

_UNKNOWN_WORDS: Final = frozenset({"", "nan", "na", "n/a", "<na>", "null", "unknown"})


def is_unknown(value: str) -> bool:
    """Whether a field means that the value is unknown.

    >>> is_unknown(""), is_unknown("NaN"), is_unknown("0"), is_unknown("none")
    (True, True, False, False)
    """
    return value.strip().lower() in _UNKNOWN_WORDS


def is_number(value: str) -> bool:
    """Whether a field is a finite number."""
    try:
        return math.isfinite(parse_number(value))
    except ValueError:
        return False


def parse_numbers(values: Sequence[str]) -> NDArray[np.float64] | None:
    """Parse the numbers of a column, NaN for unknown values; None if a value is text or all are unknown.

    >>> parse_numbers(["1.5", "", "2"]).tolist()
    [1.5, nan, 2.0]
    >>> parse_numbers(["1.5", "thin"]) is None
    True
    """
    known = {value for value in values if not is_unknown(value)}
    if not known or not all(map(is_number, known)):
        return None
    numbers = {value: parse_number(value) for value in known}
    return np.array([numbers.get(value, math.nan) for value in values], dtype=np.float64)
