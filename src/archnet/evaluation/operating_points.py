"""Operating points: thresholds chosen on the validation set alone, so that the test set judges them unseen."""

from __future__ import annotations

import numpy as np

from archnet.evaluation.confusion import matrix_metrics
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Floats, Ranking, ranking


def choose_thresholds(
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
    case_ranking = ranking(validation.probabilities[:, positive], validation.y_true == positive)
    true_positives, false_positives = case_ranking.counts(np.ones(len(validation.cases)))
    points = {}
    if recall is not None and true_positives[-1]:
        points["recall"] = {"wanted": recall, "threshold": _recall_threshold(case_ranking, true_positives, recall)}
    mcc_values = _mcc_by_threshold(true_positives, false_positives)
    if not np.all(np.isnan(mcc_values)):
        points["mcc"] = {"threshold": float(case_ranking.thresholds[np.nanargmax(mcc_values)])}
    return points


def _recall_threshold(case_ranking: Ranking, true_positives: Floats, recall: float) -> float:
    """The highest threshold that finds at least this share of the positive cases."""
    needed = np.ceil(recall * true_positives[-1] - 1e-9)  # 0.55 of 100 is 55, whatever the last bit says
    return float(case_ranking.thresholds[np.argmax(true_positives >= needed)])


def _mcc_by_threshold(true_positives: Floats, false_positives: Floats) -> Floats:
    """The MCC at every threshold, NaN where undefined."""
    false_negatives, true_negatives = true_positives[-1] - true_positives, false_positives[-1] - false_positives
    matrices = np.stack(
        [np.stack([true_negatives, false_positives], axis=-1), np.stack([false_negatives, true_positives], axis=-1)],
        axis=-2,
    )
    return matrix_metrics(matrices)["mcc"]
