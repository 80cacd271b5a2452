"""Recall of two networks at equal false-positive rate and at equal precision, averaged over both directions.

The rate of each network at its own threshold is the target in turn, and both thresholds are moved to it. With only one
network's rate as the target, the comparison would be biased against the other network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats, ratio

RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: Final = "recall_at_equal_false_positive_rate"
RECALL_AT_EQUAL_PRECISION: Final = "recall_at_equal_precision"

CurveCounts = tuple[Floats, Floats]
"""True and false positives at every threshold, each (B, S)."""


def matched_recalls(
    curves: Sequence[CurveCounts], matrices: Sequence[Floats], positive: int, num_reference: int
) -> dict[str, Floats]:
    """The recalls of all trainings at the operating points of both sides, each side weighted equally.

    Args:
        curves: Curves of the M trainings, the reference's first.
        matrices: Their confusion matrices at their own thresholds, (B, 2, 2).
        positive: Index of the positive class.
        num_reference: Trainings of the reference.

    Returns:
        For each of the two recalls shape (B, M, 1).
    """
    points = [(matrix[:, positive, positive], matrix[:, 1 - positive, positive]) for matrix in matrices]
    sides = points[:num_reference], points[num_reference:]
    return {
        name: np.stack([_both_orders(recall_at, curve, sides) for curve in curves], axis=1)[..., None]
        for name, recall_at in _RULES.items()
    }


def _both_orders(
    recall_at: Callable[[CurveCounts, Floats, Floats], Floats],
    curve: CurveCounts,
    sides: tuple[Sequence[tuple[Floats, Floats]], Sequence[tuple[Floats, Floats]]],
) -> Floats:
    first, second = (np.mean([recall_at(curve, *point) for point in side], axis=0) for side in sides)
    both: Floats = (first + second) / 2
    return both


def _recall_at_false_positives(curve: CurveCounts, own_true_positives: Floats, own_false_positives: Floats) -> Floats:
    """The highest recall with at most `own_false_positives`, (B,); NaN without positives or negatives."""
    true_positives, false_positives = curve
    recall = _recall(true_positives, np.sum(false_positives <= own_false_positives[:, None], axis=1))
    return np.where(false_positives[:, -1] > 0, recall, np.nan)


def _recall_at_precision(curve: CurveCounts, own_true_positives: Floats, own_false_positives: Floats) -> Floats:
    """The highest recall with at least the precision of the counts given, (B,); NaN where that is undefined."""
    true_positives, false_positives = curve
    is_precise = (
        true_positives * own_false_positives[:, None] >= false_positives * own_true_positives[:, None]
    )  # cross-multiplied, which is exact for integers
    steps = is_precise.shape[1] - np.argmax(is_precise[:, ::-1], axis=1)
    recall = _recall(true_positives, np.where(is_precise.any(axis=1), steps, 0))
    return np.where(own_true_positives + own_false_positives > 0, recall, np.nan)


def _recall(true_positives: Floats, steps: NDArray[np.int64]) -> Floats:
    """The recall after the first `steps` steps of a curve."""
    true_positives_at_step = np.where(
        steps > 0, true_positives[np.arange(len(true_positives)), np.maximum(steps - 1, 0)], 0.0
    )
    return ratio(true_positives_at_step, true_positives[:, -1])


_RULES: Final[Mapping[str, Callable[[CurveCounts, Floats, Floats], Floats]]] = {
    RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: _recall_at_false_positives,
    RECALL_AT_EQUAL_PRECISION: _recall_at_precision,
}
