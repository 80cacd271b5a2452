"""95% intervals of proportions for two classes at many thresholds, for the threshold slider."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.proportions import Counts, independent_bounds, proportion_bounds
from archnet.evaluation.uncertainty.ratio import Floats

_MAX_CELLS = 2_000_000  # thresholds times groups in memory: 16 MB per array


def threshold_intervals(
    scores: Floats, is_positive: NDArray[np.bool_], groups: NDArray[np.int64], thresholds: Floats
) -> dict[str, Floats]:
    """Compute the interval of each proportion at each threshold; scores at or above it are predicted as positive.

    Args:
        scores: Shape (N,).
        is_positive: Shape (N,).
        groups: Index of each case's group, shape (N,).
        thresholds: In any order, shape (S,).

    Returns:
        Lower and upper ends for recall, precision, specificity and accuracy, shape (S, 2); NaN where undefined.
    """
    if len(np.unique(groups)) == len(groups):
        found, false_positives = (_num_reaching(scores[mask], thresholds) for mask in (is_positive, ~is_positive))
        positives, others = (np.full(len(thresholds), np.count_nonzero(mask)) for mask in (is_positive, ~is_positive))
        pairs = _proportions(found, false_positives, positives, others)
        return {name: independent_bounds(*pair) for name, pair in pairs.items()}
    num_groups = int(groups.max()) + 1
    positives, others = (np.bincount(groups[mask], minlength=num_groups) for mask in (is_positive, ~is_positive))
    chunks = []
    for part in _chunks(thresholds, num_groups):
        found = _num_reaching_by_group(scores[is_positive], groups[is_positive], part, num_groups)
        false_positives = _num_reaching_by_group(scores[~is_positive], groups[~is_positive], part, num_groups)
        pairs = _proportions(found, false_positives, positives, others)
        chunks.append({name: proportion_bounds(*np.broadcast_arrays(*pair)) for name, pair in pairs.items()})
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _proportions(
    found: Counts, false_positives: Counts, positives: Counts, others: Counts
) -> dict[str, tuple[Counts, Counts]]:
    """Successes and trials of each proportion."""
    return {
        "recall": (found, positives),
        "precision": (found, found + false_positives),
        "specificity": (others - false_positives, others),
        "accuracy": (found + others - false_positives, positives + others),
    }


def _chunks(thresholds: Floats, num_groups: int) -> Iterator[Floats]:
    size = max(1, _MAX_CELLS // num_groups)
    for start in range(0, len(thresholds), size):
        yield thresholds[start : start + size]


def _num_reaching(scores: Floats, thresholds: Floats) -> NDArray[np.int64]:
    """Number of scores that reach each threshold, shape (S,)."""
    return len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")


def _num_reaching_by_group(
    scores: Floats, groups: NDArray[np.int64], thresholds: Floats, num_groups: int
) -> NDArray[np.int64]:
    """Number of scores of each group that reach each threshold, shape (S, G)."""
    order, num_thresholds = np.argsort(thresholds), len(thresholds)
    reached = np.searchsorted(
        thresholds[order], scores, side="right"
    )  # number of ascending thresholds that the score reaches
    cells = np.bincount(reached * num_groups + groups, minlength=(num_thresholds + 1) * num_groups)
    at_least = np.cumsum(cells.reshape(num_thresholds + 1, num_groups)[::-1], axis=0)[::-1][1:]
    counts = np.empty_like(at_least)
    counts[order] = at_least
    return counts
