"""Attributes of nodules from their readers' ratings (McNitt-Gray et al. 2007, doi:10.1016/j.acra.2007.07.021)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from archnet.data.readings.nodule_matching import NoduleReadings, count_readers
from archnet.files.attribute_values import Attribute

SCALES: Final = ("subtlety", "sphericity", "margin", "lobulation", "spiculation", "texture", "malignancy")
"""Ratings from 1 to 5 whose mean is computed; each becomes a column."""

_KINDS: Final[Mapping[str, tuple[str, Mapping[int, str]]]] = {
    "internalStructure": ("internal_structure", {1: "soft tissue", 2: "fluid", 3: "fat", 4: "air"}),
    "calcification": (
        "calcification",
        {1: "popcorn", 2: "laminated", 3: "solid", 4: "non-central", 5: "central", 6: "absent"},
    ),
}
"""Categorical ratings: their column, and the categories."""

_DIGITS: Final = 4
"""Number of significant digits of a mean."""


def rating_columns(nodules: Sequence[NoduleReadings]) -> dict[str, Attribute]:
    """One value per nodule in each column; empty without a rating.

    `readers` is the number of readers; scales are means over the readers; categories are those that more than half of
    the readers chose.
    """
    columns = {"readers": [str(count_readers(nodule)) if nodule else "" for nodule in nodules]}
    columns |= {name: [_mean_text(_values(nodule, name)) for nodule in nodules] for name in SCALES}
    for rating, (name, kinds) in _KINDS.items():
        columns[name] = [_majority(_values(nodule, rating), kinds) for nodule in nodules]
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def _values(nodule: NoduleReadings, rating: str) -> list[int]:
    return [reading.ratings[rating] for reading in nodule if rating in reading.ratings]


def _mean_text(values: Sequence[int]) -> str:
    return f"{sum(values) / len(values):.{_DIGITS}g}" if values else ""


def _majority(values: Sequence[int], kinds: Mapping[int, str]) -> str:
    """The category that more than half of the readers chose; empty if there is none."""
    return "".join(kinds.get(value, "") for value, count in Counter(values).items() if 2 * count > len(values))
