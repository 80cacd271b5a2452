"""Stratify cases by an attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats
from archnet.files.attribute_values import Attribute, is_unknown, parse_numbers
from archnet.files.luna16_lists import DIAMETER

UNKNOWN: Final = "unknown"
"""Name of the stratum of cases whose value is unknown."""

MAX_CATEGORIES: Final = 12
"""Maximum number of strata of a text attribute; rarer values are grouped into one more."""

_MAX_EXTRA_DIGITS: Final = 12

_MAX_NUMBERS: Final = 5
"""Maximum number of distinct numbers that are strata of their own; more are divided into terciles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A border between two strata of a number.

    Attributes:
        value: The border.
        belongs_below: Whether a number equal to it is in the stratum below.
    """

    value: float
    belongs_below: bool


DIAMETER_EDGES_MM: Final = (
    Edge(value=6, belongs_below=False),
    Edge(value=8, belongs_below=False),
    Edge(value=15, belongs_below=True),
)
"""Under 6, 6 to 8, 8 to 15 and over 15 mm: guidelines for solid nodules distinguish under 6 mm, up to 8 mm and above
(MacMahon et al. 2017, doi:10.1148/radiol.2017161659)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stratum:
    """Cases with one value or range.

    Attributes:
        name: The value or range in words.
        rows: Whether each case belongs to it, shape (N,).
    """

    name: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stratification:
    """An attribute, and the strata into which it divides cases.

    Attributes:
        name: Name of the attribute.
        is_of_positives: Whether only positive cases have the attribute, such as the diameter of a nodule. The strata
            then have no other cases.
        strata: Two or more non-empty strata; in ascending order if the attribute is a number, else the largest first;
            cases with an unknown value come last.
    """

    name: str
    is_of_positives: bool
    strata: tuple[Stratum, ...]


def stratify(name: str, values: Attribute, is_positive: NDArray[np.bool_]) -> Stratification | None:
    """Divide cases into strata by an attribute.

    Diameters are divided at `DIAMETER_EDGES_MM`, unless they all fall into one stratum. Other numbers are strata of
    their own if there are at most five distinct ones; otherwise they are divided into terciles. For a text attribute,
    the twelve most frequent values are strata; other values are grouped.

    Args:
        name: Name of the attribute.
        values: Values of the cases, shape (N,).
        is_positive: Shape (N,).

    Returns:
        None if there is only one stratum.
    """
    is_missing = np.array([is_unknown(value) for value in values.tolist()], dtype=np.bool_)
    is_of_positives = bool(is_positive.any()) and not bool((~is_missing & ~is_positive).any())
    eligible = is_positive if is_of_positives else np.ones_like(is_positive)
    numbers = parse_numbers(values.tolist())
    known = list(_split_text(values, is_missing) if numbers is None else _split_numbers(name, numbers))
    strata = [*known, Stratum(name=UNKNOWN, rows=is_missing & eligible)]
    filled = tuple(stratum for stratum in strata if stratum.rows.any())
    return Stratification(name=name, is_of_positives=is_of_positives, strata=filled) if len(filled) > 1 else None


def _split_text(values: Attribute, is_missing: NDArray[np.bool_]) -> Iterator[Stratum]:
    counts = Counter(values[~is_missing].tolist())
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    chosen = ordered if len(ordered) <= MAX_CATEGORIES else ordered[: MAX_CATEGORIES - 1]
    for value in chosen:
        yield Stratum(name=value, rows=values == value)
    others = ordered[len(chosen) :]
    if others:
        yield Stratum(name=f"{len(others)} other values", rows=np.isin(values.astype(np.str_), others))


def _split_numbers(name: str, numbers: Floats) -> Iterator[Stratum]:
    known = numbers[~np.isnan(numbers)]
    edges = _edges(name, known)
    if edges is None:
        values = np.unique(known).tolist()
        for value, text in zip(values, _number_texts(values), strict=True):
            yield Stratum(name=text, rows=numbers == value)
        return
    places = _places(numbers, edges)
    for place, range_name in enumerate(_range_names(edges)):
        yield Stratum(name=range_name, rows=(places == place) & ~np.isnan(numbers))


def _edges(name: str, known: Floats) -> tuple[Edge, ...] | None:
    """The borders between strata; None if each number is a stratum."""
    if name == DIAMETER and len(np.unique(_places(known, DIAMETER_EDGES_MM))) > 1:
        return DIAMETER_EDGES_MM
    if len(np.unique(known)) <= _MAX_NUMBERS:
        return None
    terciles = np.unique(np.quantile(known, [1 / 3, 2 / 3], method="inverted_cdf"))
    return tuple(Edge(value=value, belongs_below=True) for value in terciles.tolist() if value < known.max())


def _places(numbers: Floats, edges: Sequence[Edge]) -> NDArray[np.int64]:
    """The index of the range that each number is in."""
    is_above = [numbers > edge.value if edge.belongs_below else numbers >= edge.value for edge in edges]
    return np.sum(is_above, axis=0) if edges else np.zeros(len(numbers), np.int64)


def _range_names(edges: Sequence[Edge]) -> list[str]:
    """Names of the ranges: "under" excludes the end, "up to" and "to" include it where it belongs below."""
    if not edges:
        return ["all values"]
    texts = _number_texts([edge.value for edge in edges])
    return [
        f"{'up to' if edges[0].belongs_below else 'under'} {texts[0]}",
        *(f"{low} to {high}" for low, high in pairwise(texts)),
        f"{'over' if edges[-1].belongs_below else 'from'} {texts[-1]}",
    ]


def _number_texts(values: Sequence[float]) -> list[str]:
    """Format increasing numbers with three significant digits, or more if needed to distinguish them; integers in full.

    >>> _number_texts([6.0, 10.656]), _number_texts([0.70312, 0.70341]), _number_texts([512.0, 1024.0])
    (['6', '10.7'], ['0.7031', '0.7034'], ['512', '1024'])
    """
    for num_extra in range(_MAX_EXTRA_DIGITS):
        texts = [_rounded_text(value, 3 + num_extra) for value in values]
        if len(set(texts)) == len(values):
            return texts
    return list(map(repr, values))


def _rounded_text(value: float, num_digits: int) -> str:
    """Format a number with some significant digits, its integer part in full."""
    num_whole = len(str(int(abs(value))))
    return f"{value:.0f}" if num_whole >= num_digits else f"{value:.{num_digits}g}"
