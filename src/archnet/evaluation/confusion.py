"""Confusion matrices: how they are counted, what follows from them, and Wilson's intervals of the proportions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.intervals import Interval, wilson_interval
from archnet.evaluation.ranking import Floats, ratio

MATRIX_METRICS = ("accuracy", "recall", "precision", "specificity", "f1", "mcc")


def confusion_matrix(y_true: NDArray[np.int64], y_pred: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """Counts of shape (K, K): rows truth, columns prediction; a class that does not occur keeps its row.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3).tolist()
    [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    """
    flat = np.bincount(y_true * num_classes + y_pred, minlength=num_classes**2)
    return flat.reshape(num_classes, num_classes).astype(np.int64)


def matrix_metrics(matrix: NDArray[Any]) -> dict[str, Floats]:
    """The metrics that follow from confusion matrices, NaN where undefined.

    Args:
        matrix: Counts or weights of shape (..., K, K): rows truth, columns prediction.

    Returns:
        `accuracy` and `mcc` of shape (...), and `recall`, `precision`, `specificity` and `f1` of shape (..., K).
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    truth, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    total = truth.sum(axis=-1)
    others = total[..., None] - truth
    return {
        "accuracy": ratio(hits.sum(axis=-1), total),
        "recall": ratio(hits, truth),
        "precision": ratio(hits, predicted),
        "specificity": ratio(others - (predicted - hits), others),
        "f1": ratio(2 * hits, truth + predicted),
        "mcc": _mcc(hits.sum(axis=-1), truth, predicted),
    }


def _mcc(hits: Floats, truth: Floats, predicted: Floats) -> Floats:
    """Matthews' correlation for K classes (Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006).

    Args:
        hits: Cases predicted right, shape (...).
        truth: Cases of each class, shape (..., K).
        predicted: Cases taken for each class, shape (..., K).
    """
    total = truth.sum(axis=-1)
    covariance = hits * total - (truth * predicted).sum(axis=-1)
    spreads = (total**2 - (truth**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    return ratio(covariance, np.sqrt(spreads))


def class_report(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Precision, recall, f1 and support of each class, from a confusion matrix; None where undefined."""
    counts = np.asarray(matrix)
    values = matrix_metrics(counts)
    names = ("precision", "recall", "f1")
    return [
        {"class": name, **{key: number_or_none(values[key][k]) for key in names}, "support": round(counts[k].sum())}
        for k, name in enumerate(classes)
    ]


def proportion_intervals(matrix: NDArray[np.int64], columns: list[int]) -> dict[str, list[Interval | None]]:
    """Wilson's interval of each metric that is a proportion: of the accuracy, and of each of the classes `columns`."""
    hits, truth, predicted = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    others = matrix.sum() - truth
    pairs = {
        "recall": (hits, truth),
        "precision": (hits, predicted),
        "specificity": (others - predicted + hits, others),
    }
    class_intervals = {
        name: [wilson_interval(int(successes[k]), int(trials[k])) for k in columns]
        for name, (successes, trials) in pairs.items()
    }
    return {"accuracy": [wilson_interval(int(hits.sum()), int(matrix.sum()))], **class_intervals}


def number_or_none(value: Floats) -> float | None:
    """A number as JSON knows it: None where it is undefined (NaN)."""
    return None if np.isnan(value) else float(value)
