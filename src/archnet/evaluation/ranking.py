"""Ranking of cases by descending score, and the metrics that depend on it: ROC, AUC, average precision.

All functions accept weights, with one row for each bootstrap resample, so that cases are sorted only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats, ratio


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """Cases in order of descending score; cases with equal scores form one step.

    Attributes:
        order: Index of each case in the input, shape (N,).
        is_positive: 1 for a positive case, in that order, shape (N,).
        ends: Index of each step's last case in that order, shape (S,).
        thresholds: Score of each step, descending, shape (S,).
    """

    order: NDArray[np.int64]
    is_positive: Floats
    ends: NDArray[np.int64]
    thresholds: Floats

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weight of the positive and of the negative cases that score at least each threshold.

        Args:
            weights: How often each case counts, in the input's order, shape (N,) or (B, N).

        Returns:
            True and false positives, each of shape (S,) or (B, S).
        """
        sorted_weights = weights[..., self.order]
        predicted_positives = np.cumsum(sorted_weights, axis=-1)[..., self.ends]
        true_positives = np.cumsum(sorted_weights * self.is_positive, axis=-1)[..., self.ends]
        return true_positives, predicted_positives - true_positives


def ranking(scores: Floats, is_positive: NDArray[np.bool_]) -> Ranking:
    """Sort cases by score, both of shape (N,)."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    is_last = np.append(sorted_scores[1:] != sorted_scores[:-1], True)[: len(sorted_scores)]
    ends = np.flatnonzero(is_last)
    return Ranking(
        order=order,
        is_positive=is_positive[order].astype(np.float64),
        ends=ends,
        thresholds=sorted_scores[ends],
    )


def roc_auc(true_positives: Floats, false_positives: Floats) -> Floats:
    """Area under the ROC curve, ties counted half.

    Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747.

    Returns:
        Shape () or (B,); NaN without positive or without negative cases.
    """
    steps = np.diff(false_positives, axis=-1, prepend=0.0)
    below = np.diff(true_positives, axis=-1, prepend=0.0)
    area = np.sum(steps * (true_positives - below / 2), axis=-1)
    return ratio(area, true_positives[..., -1] * false_positives[..., -1])


def average_precision(true_positives: Floats, false_positives: Floats) -> Floats:
    """Mean precision over the steps of recall, without interpolation, as scikit-learn defines it.

    Returns:
        Shape () or (B,); NaN without positive cases.
    """
    predicted_positives = true_positives + false_positives
    precision = np.divide(
        true_positives, predicted_positives, out=np.zeros_like(predicted_positives), where=predicted_positives > 0
    )
    steps = np.diff(true_positives, axis=-1, prepend=0.0)
    return ratio(np.sum(steps * precision, axis=-1), true_positives[..., -1])


RANKING_FORMULAS: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = {
    "auc": roc_auc,
    "average_precision": average_precision,
}
"""Formulas of the ranking metrics, from true and false positives at each threshold."""


def roc_curve(scores: Floats, is_positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """False-positive rate and recall at every threshold, from (0, 0) to (1, 1), each of shape (S + 1,).

    Raises:
        ValueError: All cases are positive, or none is.
    """
    if is_positive.all() or not is_positive.any():
        raise ValueError("a ROC curve needs both positive and negative cases")
    true_positives, false_positives = ranking(scores, is_positive).counts(np.ones(len(scores)))
    recall = np.append(0.0, true_positives / true_positives[-1])
    return np.append(0.0, false_positives / false_positives[-1]), recall


def precision_recall_curve(scores: Floats, is_positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Recall and precision at every score from the highest to the lowest, each of shape (S,).

    Raises:
        ValueError: No case is positive.
    """
    if not is_positive.any():
        raise ValueError("a precision-recall curve needs positive cases")
    true_positives, false_positives = ranking(scores, is_positive).counts(np.ones(len(scores)))
    return true_positives / true_positives[-1], true_positives / (true_positives + false_positives)
