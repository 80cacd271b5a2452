"""Stratified random splits of groups: into sets with given shares, or into folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Shares = tuple[float, float, float]
"""Requested shares of training, validation and test."""

_NUM_DRAWS = 200
_NUM_DEALS = 10


def stratified_group_split(counts: NDArray[np.int64], shares: Shares, rng: np.random.Generator) -> NDArray[np.int64]:
    """Split groups at random many times, and return the split closest to the requested share of each class.

    Args:
        counts: Number of cases as (group, class).

    Returns:
        The set number of each group: 0 training, 1 validation, 2 test.
    """
    totals = np.maximum(counts.sum(axis=0), 1)
    draws = (_draw_sets(counts.sum(axis=1), shares, rng) for _ in range(_NUM_DRAWS))
    return min(draws, key=lambda sets: _deviation(counts, totals, sets, shares))


def stratified_split(counts: NDArray[np.int64], shares: Shares, rng: np.random.Generator) -> NDArray[np.int64]:
    """Like `stratified_group_split` for groups of a single case: each class is split separately."""
    labels = counts.argmax(axis=1)
    sets = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        sets[rows] = _draw_sets(np.ones_like(rows), shares, rng)
    return sets


def _draw_sets(sizes: NDArray[np.int64], shares: Shares, rng: np.random.Generator) -> NDArray[np.int64]:
    """Assign groups in random order to test, validation and training until each has its share of the cases.

    Each requested set gets at least one group, however few there are.
    """
    order = rng.permutation(len(sizes))
    middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / sizes.sum()
    _, validation, test = shares
    num_test = max(int(np.count_nonzero(middle < test)), int(test > 0))
    num_held_out = max(int(np.count_nonzero(middle < test + validation)), num_test + int(validation > 0))
    sets = np.zeros(len(sizes), dtype=np.int64)
    sets[order[:num_held_out]] = 1
    sets[order[:num_test]] = 2
    return sets


def _deviation(
    counts: NDArray[np.int64], totals: NDArray[np.int64], sets: NDArray[np.int64], shares: Shares
) -> tuple[int, float]:
    """Number of requested sets that are empty or lack a class, then the largest deviation from a requested share."""
    set_counts = np.stack([counts[sets == number].sum(axis=0) for number in range(3)])
    wanted = np.array(shares)[:, None]
    return int(np.sum((set_counts == 0) & (wanted > 0))), float(np.abs(set_counts / totals - wanted).max())


def stratified_group_folds(counts: NDArray[np.int64], num_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Assign groups to folds several times, and return the assignment closest to equal shares of each class.

    Args:
        counts: Number of cases as (group, class).
        num_folds: Number of folds, at most the number of groups, so that no fold is empty.

    Returns:
        The fold of each group, from 0.
    """
    if counts.sum(axis=1).max() == 1:
        return stratified_folds(counts, num_folds, rng)
    sizes = np.column_stack([counts, counts.sum(axis=1)])
    weights = sizes / np.maximum(sizes.sum(axis=0), 1)
    deals = [_deal_to_folds(weights, num_folds, rng) for _ in range(_NUM_DEALS)]
    return min(deals, key=lambda deal: deal[0])[1]


def stratified_folds(counts: NDArray[np.int64], num_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Like `stratified_group_folds` for groups of a single case: folds differ by at most one case of each class."""
    shuffled = rng.permutation(len(counts))
    by_class = shuffled[np.argsort(counts.argmax(axis=1)[shuffled], kind="stable")]
    folds = np.empty(len(counts), dtype=np.int64)
    folds[by_class] = np.arange(len(counts)) % num_folds
    return folds


def _deal_to_folds(
    weights: NDArray[np.float64], num_folds: int, rng: np.random.Generator
) -> tuple[float, NDArray[np.int64]]:
    """Greedy balanced partition: assign each group to the fold with the least of the group's classes.

    Large groups tend to come first, and small groups fill the gaps; otherwise the order is random.

    Args:
        weights: Share of each group in each class and in all cases.

    Returns:
        The largest deviation of a fold from its share, and the fold of each group.
    """
    order = np.argsort(-weights.sum(axis=1) * rng.uniform(0.5, 1, len(weights)))
    fold_shares = np.zeros((num_folds, weights.shape[1]))
    folds = np.empty(len(weights), dtype=np.int64)
    for group in order:
        folds[group] = np.argmin(fold_shares @ weights[group])
        fold_shares[folds[group]] += weights[group]
    return float(np.abs(fold_shares - 1 / num_folds).max()), folds
