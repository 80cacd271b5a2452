"""Operating points: thresholds chosen on the validation set alone, so that the test set judges them unseen."""

from __future__ import annotations

import numpy as np

from archnet.evaluation.confusion import matrix_metrics
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Floats, Ranking, ranking


def chosen_thresholds(
    validation: Predictions | None, positive: int, recall: float | None
) -> dict[str, dict[str, float]]:
    """The thresholds that the validation set chooses for two classes; empty without one, or for more classes.

    Each is the probability of a validation case, and the highest that does what is wanted.

    Args:
        validation: The validation set's cases.
        positive: Index of the class whose recall counts.
        recall: Wanted at least, above 0; None wants none.

    Returns:
        "recall": {"wanted", "threshold"}, where a recall is wanted and there are positive cases; "mcc":
        {"threshold"} of the best MCC, where any threshold gives one.
    """
    if validation is None or len(validation.classes) != 2:
        return {}
    ranked = ranking(validation.probabilities[:, positive], validation.y_true == positive)
    hits, alarms = ranked.counts(np.ones(len(validation.cases)))
    points = {}
    if recall is not None and hits[-1]:
        points["recall"] = {"wanted": recall, "threshold": _threshold_of_recall(ranked, hits, recall)}
    correlations = _correlations(hits, alarms)
    if not np.all(np.isnan(correlations)):
        points["mcc"] = {"threshold": float(ranked.thresholds[np.nanargmax(correlations)])}
    return points


def _threshold_of_recall(ranked: Ranking, hits: Floats, recall: float) -> float:
    """The highest threshold that finds at least this share of the positive cases."""
    needed = np.ceil(recall * hits[-1] - 1e-9)  # 0.55 of 100 is 55, whatever the last bit says
    return float(ranked.thresholds[np.argmax(hits >= needed)])


def _correlations(hits: Floats, alarms: Floats) -> Floats:
    """The MCC at every threshold, NaN where undefined."""
    missed, passed = hits[-1] - hits, alarms[-1] - alarms
    rows = np.stack([np.stack([passed, alarms], axis=-1), np.stack([missed, hits], axis=-1)], axis=-2)
    return matrix_metrics(rows)["mcc"]
