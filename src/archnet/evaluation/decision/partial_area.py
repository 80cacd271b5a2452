"""The partial area under the ROC curve, up to a false-positive rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from archnet.evaluation.decision.binary_cases import BinaryCases, estimate_entry
from archnet.evaluation.uncertainty.ratio import Floats


def partial_area(cases: BinaryCases, max_false_positive_rate: float) -> dict[str, Any]:
    """The standardized partial area: 0.5 for random guessing, 1 for a perfect network.

    McClish 1989, doi:10.1177/0272989X8900900307, as scikit-learn's `roc_auc_score(max_fpr=...)`.

    Args:
        cases: The cases.
        max_false_positive_rate: Maximum false-positive rate, above 0 and below 1.

    Returns:
        `value` and 95% `interval`: from its standard error over groups (summed as in Obuchowski 1997,
        doi:10.2307/2533958, for the whole area), on the logit scale.
    """
    if not cases.has_both_classes:
        return {"value": None, "interval": None}
    end = max_false_positive_rate
    area = _area(cases, end)
    lowest = end**2 / 2
    value = (1 + (area - lowest) / (end - lowest)) / 2
    return estimate_entry(value, cases, _influences(cases, area, end) / (end - lowest) / 2, "logit")


def _area(cases: BinaryCases, end: float) -> float:
    """The area under the ROC curve from 0 to `end`."""
    thresholds = np.unique(cases.scores)[::-1]
    false_positive_rate = np.append(0.0, _shares_from(cases.negative_scores, thresholds))
    recall = np.append(0.0, _shares_from(cases.positive_scores, thresholds))
    is_inside = false_positive_rate < end
    x = np.append(false_positive_rate[is_inside], end)
    y = np.append(recall[is_inside], np.interp(end, false_positive_rate, recall))
    return float(np.trapezoid(y, x))


def _shares_from(scores: Floats, thresholds: Floats) -> Floats:
    """The share of scores at or above each threshold."""
    shares: Floats = 1 - np.searchsorted(np.sort(scores), thresholds, "left") / len(scores)
    return shares


def _influences(cases: BinaryCases, area: float, end: float) -> Floats:
    """The influence of each case on the area, shape (N,).

    The area is the mean, over the highest-scoring negative cases, of the share of positive cases above each.
    """
    negative, positive = cases.negative_scores, np.sort(cases.positive_scores)
    counted = _counted_shares(negative, end * len(negative))
    recall = 1 - _midranks(positive, negative)
    recall_at_end = float(recall[counted > 0].max())
    of_negative = counted * (recall - recall_at_end) - (area - end * recall_at_end)
    order = np.argsort(negative)
    counted_below = np.append(0.0, np.cumsum(counted[order]))
    places = [np.searchsorted(negative[order], cases.positive_scores, side) for side in ("left", "right")]
    of_positive = (counted_below[places[0]] + counted_below[places[1]]) / 2 / len(negative) - area
    influences = np.empty(len(cases.scores))
    influences[cases.is_positive] = of_positive / len(positive)
    influences[~cases.is_positive] = of_negative / len(negative)
    return influences


def _counted_shares(scores: Floats, number: float) -> Floats:
    """The degree to which each score is among the highest `number`; tied scores share equally."""
    _, index, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    above = len(scores) - np.cumsum(sizes)
    shares: Floats = np.clip((number - above) / sizes, 0.0, 1.0)[index]
    return shares


def _midranks(ordered: Floats, values: Floats) -> Floats:
    """The share of sorted numbers below each value, ties counted half."""
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    shares: Floats = below / (2 * len(ordered))
    return shares
