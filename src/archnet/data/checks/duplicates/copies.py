"""Cases that are empty, identical or copies of each other, found from their voxels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from archnet.data.checks.duplicates.case_statistics import CaseStatistics, case_statistics
from archnet.data.checks.duplicates.kept_pairs import recall_pairs
from archnet.data.checks.duplicates.near_duplicates import CopiedPair, find_near_duplicates
from archnet.files.progress import Progress, no_progress

_NARROW: Final = 0.02
"""Maximum range of the values of an empty case (air with noise), as a share of the window."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copies:
    """Cases with the same or similar voxels.

    Attributes:
        are_empty: (n,) whether a case is empty.
        identical: Groups of at least two rows with equal values, ascending; without the empty cases.
        near: Other pairs of cases in different groups that are copies of each other.
    """

    are_empty: NDArray[np.bool_]
    identical: tuple[tuple[int, ...], ...]
    near: tuple[CopiedPair, ...]


def find_copies(
    values: NDArray[Any],
    groups: NDArray[np.str_],
    limits: tuple[float, float] | None = None,
    progress: Progress = no_progress,
    *,
    has_channels: bool = False,
    with_search: bool = True,
) -> Copies:
    """Find empty, identical and nearly identical cases.

    Args:
        values: (n, height, width[, depth]) raw values, with or without channels; may be memory-mapped.
        groups: (n,) cases of one group may overlap, so they do not count as near-duplicates.
        limits: Values that are mapped to 0 and 1; None if they are unknown.
        progress: Wraps the items of a long loop.
        has_channels: Whether the last axis of the values holds channels. The first one is searched for near-duplicates.
        with_search: Search for near-duplicates, which takes a few milliseconds per case; otherwise the results of an
            earlier search are used.
    """
    # The matrices are small: BLAS threads would spend more time waiting than working.
    with threadpool_limits(1, "blas"):
        statistics = case_statistics(values, progress)
        are_empty = find_empty(statistics, limits)
        identical = _find_identical(values, statistics, are_empty)
        are_searched = ~are_empty
        are_searched[[row for rows in identical for row in rows[1:]]] = False  # one case represents all identical ones
        numbers = np.where(are_searched, np.unique(groups, return_inverse=True)[1], -1)
        search = partial(find_near_duplicates, values[..., 0] if has_channels else values, numbers, progress)
        near = recall_pairs(statistics.checksums, numbers, search if with_search else None)
    return Copies(are_empty=are_empty, identical=identical, near=near)


def find_empty(statistics: CaseStatistics, limits: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Whether each case is empty: all values are equal, or within 2% of the window.

    If this holds for more than half of the cases, the window is wrong, and only constant cases count.
    """
    if limits is None:
        return statistics.are_constant
    low, high = limits
    spread = np.clip(statistics.high, low, high) - np.clip(statistics.low, low, high)
    are_narrow = statistics.are_constant | (spread <= _NARROW * (high - low))
    return are_narrow if are_narrow.mean() <= 0.5 else statistics.are_constant


def _find_identical(
    values: NDArray[Any], statistics: CaseStatistics, are_empty: NDArray[np.bool_]
) -> tuple[tuple[int, ...], ...]:
    """Find rows with equal values, ascending: equal checksums propose candidates, and the values decide."""
    rows = np.flatnonzero(~are_empty)
    _, numbers, counts = np.unique(statistics.checksums[rows], return_inverse=True, return_counts=True)
    members: dict[int, list[int]] = {}
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        if counts[number] > 1:
            members.setdefault(number, []).append(row)
    return tuple(sorted(equal for cluster in members.values() for equal in _split_by_values(values, cluster)))


def _split_by_values(values: NDArray[Any], rows: list[int]) -> Iterator[tuple[int, ...]]:
    """Group rows by equal values; groups have at least two rows."""
    while rows:
        equal = [row for row in rows if np.array_equal(values[row], values[rows[0]])]
        if len(equal) > 1:
            yield tuple(equal)
        rows = [row for row in rows if row not in equal]
