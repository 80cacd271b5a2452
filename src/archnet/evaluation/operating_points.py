"""Operating points: thresholds chosen on the validation set alone, and evaluated on the test set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from archnet.evaluation.confusion import matrix_metrics
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Ranking, ranking
from archnet.evaluation.uncertainty.ratio import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValidationCounts:
    """The counts of the validation set at every threshold.

    Attributes:
        ranking: Its cases ranked by the probability of the positive class.
        true_positives: At each threshold of the ranking, shape (S,).
        false_positives: At each threshold of the ranking, shape (S,).
        recall: Wanted at least, above 0; None wants none.
    """

    ranking: Ranking
    true_positives: Floats
    false_positives: Floats
    recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A rule for the choice of a threshold.

    Attributes:
        text: The criterion in words; a format string for the entry in metrics.json.
        choose: Computes that entry, with the `threshold`, from the validation set; None if there is no such threshold.
    """

    text: str
    choose: Callable[[ValidationCounts], dict[str, float] | None]


def _choose_by_recall(counts: ValidationCounts) -> dict[str, float] | None:
    """The highest threshold that reaches the target recall."""
    true_positives, recall = counts.true_positives, counts.recall
    if recall is None or not true_positives[-1]:
        return None
    needed = np.ceil(recall * true_positives[-1] - 1e-9)  # 0.55 of 100 is 55 despite rounding errors
    return {"wanted": recall, "threshold": float(counts.ranking.thresholds[np.argmax(true_positives >= needed)])}


def _choose_by_mcc(counts: ValidationCounts) -> dict[str, float] | None:
    """The highest threshold with the best MCC."""
    mcc_values = _mcc_by_threshold(counts.true_positives, counts.false_positives)
    if np.all(np.isnan(mcc_values)):
        return None
    return {"threshold": float(counts.ranking.thresholds[np.nanargmax(mcc_values)])}


OPERATING_POINTS: Final = {
    "recall": OperatingPoint(text="recall of at least {wanted:g} in validation", choose=_choose_by_recall),
    "mcc": OperatingPoint(text="best MCC in validation", choose=_choose_by_mcc),
}
"""All operating points by their key in metrics.json; if only one is reported, the first that a run has."""


def operating_point_text(key: str, entry: Mapping[str, Any]) -> str:
    """The criterion of an entry of `operating_points` in words.

    >>> operating_point_text("recall", {"wanted": 0.95, "threshold": 0.2})
    'recall of at least 0.95 in validation'
    """
    return OPERATING_POINTS[key].text.format_map(entry)


def choose_thresholds(
    validation: Predictions | None, positive: int, recall: float | None
) -> dict[str, dict[str, float]]:
    """Choose thresholds for two classes on the validation set; empty without one, or for more classes.

    Each is the probability of a validation case, and the highest that meets the criterion.

    Args:
        validation: The validation set's cases.
        positive: Index of the positive class.
        recall: Wanted at least, above 0; None wants none.

    Returns:
        "recall": {"wanted", "threshold"} if a target recall is given and there are positive cases; "mcc": {"threshold"}
        with the best MCC, if it is defined at any threshold.
    """
    if validation is None or len(validation.classes) != 2:
        return {}
    case_ranking = ranking(validation.probabilities[:, positive], validation.y_true == positive)
    true_positives, false_positives = case_ranking.counts(np.ones(len(validation.cases)))
    counts = ValidationCounts(
        ranking=case_ranking, true_positives=true_positives, false_positives=false_positives, recall=recall
    )
    entries = {key: point.choose(counts) for key, point in OPERATING_POINTS.items()}
    return {key: entry for key, entry in entries.items() if entry is not None}


def wanted_recall(entries: Iterable[Mapping[str, Any]]) -> float | None:
    """The target recall of an evaluation, from the entries of its sets in metrics.json; None without one."""
    recalls = (entry.get("operating_points", {}).get("recall", {}).get("wanted") for entry in entries)
    return next((recall for recall in recalls if recall is not None), None)


def _mcc_by_threshold(true_positives: Floats, false_positives: Floats) -> Floats:
    """The MCC at every threshold, NaN where undefined."""
    false_negatives, true_negatives = true_positives[-1] - true_positives, false_positives[-1] - false_positives
    matrices = np.stack(
        [np.stack([true_negatives, false_positives], axis=1), np.stack([false_negatives, true_positives], axis=1)],
        axis=1,
    )
    return matrix_metrics(matrices)["mcc"]
