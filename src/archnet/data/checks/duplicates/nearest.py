"""Nearest neighbours among many vectors, by brute force in tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.duplicates.thumbnails import Floats
from archnet.files.progress import Progress, no_progress

_ROWS: Final = 1024
_COLUMNS: Final = 8192
"""Size of a tile, 32 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The criteria for near pairs.

    Attributes:
        count: Number of neighbours per query.
        min_similarity: Minimum scalar product.
        description: Label of the progress bar.
    """

    count: int
    min_similarity: float
    description: str = "Searching for copies"


def find_nearest(
    queries: Floats, vectors: Floats, groups: NDArray[np.int64], search: Search, progress: Progress = no_progress
) -> NDArray[np.int64]:
    """Find the pairs (query, vector) of each query and its nearest vectors in other groups.

    If queries and vectors are the same, each pair is found only once: a query is compared with the rows after its own.

    Args:
        queries: (n, d) vectors of length 1, at least one; rows of zeros have no neighbours.
        vectors: (n, d) vectors of length 1 or 0, of the same cases.
        groups: (n,) group numbers; cases with negative numbers are ignored.
        search: The criteria.
        progress: Wraps the blocks of queries.

    Returns:
        (m, 2), ascending.
    """
    groups = np.where(vectors.any(1), groups, -1)
    blocks = range(0, len(queries), _ROWS)
    found = [
        _search_block(queries, vectors, groups, start, search)
        for start in progress(blocks, search.description, len(blocks))
    ]
    return np.concatenate(found)


def _search_block(
    queries: Floats, vectors: Floats, groups: NDArray[np.int64], start: int, search: Search
) -> NDArray[np.int64]:
    """Find the pairs of one block of queries."""
    block = queries[start : start + _ROWS]
    numbers = np.arange(start, start + len(block))
    scores = np.full((len(block), search.count), search.min_similarity, np.float32)
    columns = np.full((len(block), search.count), -1, np.int64)
    are_same = queries is vectors
    for first in range(start if are_same else 0, len(vectors), _COLUMNS):
        tile = block @ vectors[first : first + _COLUMNS].T
        rows, places = np.nonzero(tile > scores[:, -1:])
        others = places + first
        is_other = (groups[others] != groups[numbers[rows]]) & (np.minimum(groups[others], groups[numbers[rows]]) >= 0)
        if are_same:
            is_other &= others > numbers[rows]
        _merge(scores, columns, rows[is_other], others[is_other], tile[rows[is_other], places[is_other]])
    rows, ranks = np.nonzero(columns >= 0)
    return np.stack([numbers[rows], columns[rows, ranks]], axis=1)


def _merge(
    scores: Floats, columns: NDArray[np.int64], rows: NDArray[np.int64], others: NDArray[np.int64], new: Floats
) -> None:
    """Merge new neighbours into the best ones of their rows, in descending order."""
    count = scores.shape[1]
    touched = np.unique(rows)
    all_rows = np.concatenate([rows, np.repeat(touched, count)])
    all_scores = np.concatenate([new, scores[touched].ravel()])
    all_columns = np.concatenate([others, columns[touched].ravel()])
    order = np.lexsort((all_columns, -all_scores, all_rows))
    sorted_rows = all_rows[order]
    ranks = np.arange(len(order)) - np.searchsorted(sorted_rows, sorted_rows)
    best = order[ranks < count]
    scores[touched] = all_scores[best].reshape(-1, count)
    columns[touched] = all_columns[best].reshape(-1, count)
