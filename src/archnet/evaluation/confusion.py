"""Confusion matrices, the metrics derived from them, and the intervals of proportions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.intervals import Interval
from archnet.evaluation.uncertainty.proportions import proportion_interval
from archnet.evaluation.uncertainty.ratio import Floats, ratio
from archnet.spec.metrics import MATRIX_METRICS, METRICS, Metric, metrics_shown_in


def confusion_matrix(y_true: NDArray[np.int64], y_pred: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """Count cases by truth (rows) and prediction (columns), shape (K, K); absent classes keep their row.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3).tolist()
    [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    """
    flat = np.bincount(y_true * num_classes + y_pred, minlength=num_classes**2)
    return flat.reshape(num_classes, num_classes).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Counts of confusion matrices of shape (..., K, K), or sums of weights.

    Attributes:
        true_positives: Cases of each class that are predicted as it, shape (..., K).
        positives: Cases of each class, shape (..., K).
        predicted_positives: Cases predicted as each class, shape (..., K).
        total: All cases, shape (...).
    """

    true_positives: Floats
    positives: Floats
    predicted_positives: Floats
    total: Floats

    @property
    def correct(self) -> Floats:
        """Correctly classified cases, shape (...)."""
        correct: Floats = self.true_positives.sum(axis=-1)
        return correct

    @property
    def negatives(self) -> Floats:
        """Cases of all other classes, shape (..., K)."""
        negatives: Floats = self.total[..., None] - self.positives
        return negatives

    @property
    def true_negatives(self) -> Floats:
        """Cases of all other classes that are not predicted as the class, shape (..., K)."""
        return self.negatives - (self.predicted_positives - self.true_positives)


def matrix_counts(matrix: NDArray[Any]) -> Counts:
    """Derive the counts of confusion matrices of shape (..., K, K): rows truth, columns prediction."""
    matrix = np.asarray(matrix, dtype=np.float64)
    positives = matrix.sum(axis=-1)
    return Counts(
        true_positives=np.diagonal(matrix, axis1=-2, axis2=-1),
        positives=positives,
        predicted_positives=matrix.sum(axis=-2),
        total=positives.sum(axis=-1),
    )


def matrix_metrics(matrix: NDArray[Any]) -> dict[str, Floats]:
    """Compute the metrics of confusion matrices, NaN where undefined.

    Args:
        matrix: Counts or weights of shape (..., K, K): rows truth, columns prediction.

    Returns:
        For each name of `MATRIX_METRICS`, an array of shape (..., K) if each class has its own value, else (...).
    """
    counts = matrix_counts(matrix)
    return {name: _matrix_metric(METRICS[name], counts) for name in MATRIX_METRICS}


def _matrix_metric(metric: Metric, counts: Counts) -> Floats:
    if metric.proportion is None:
        return FORMULAS[metric.name](counts)
    part, whole = (getattr(counts, name) for name in metric.proportion)
    return ratio(part, whole)


def _f1(counts: Counts) -> Floats:
    """Harmonic mean of recall and precision (van Rijsbergen 1979)."""
    return ratio(2 * counts.true_positives, counts.positives + counts.predicted_positives)


def _mcc(counts: Counts) -> Floats:
    """Matthews' correlation for K classes (Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006)."""
    truth, predicted, total = counts.positives, counts.predicted_positives, counts.total
    covariance = counts.correct * total - (truth * predicted).sum(axis=-1)
    spreads = (total**2 - (truth**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    return ratio(covariance, np.sqrt(spreads))


FORMULAS: Final[Mapping[str, Callable[[Counts], Floats]]] = {"f1": _f1, "mcc": _mcc}
"""Formulas of the metrics that are not proportions: shape (..., K) for each class, or (...) for the set."""


def class_report(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> list[dict[str, Any]]:
    """The class report's metrics and the support of each class, from a confusion matrix; None where undefined."""
    counts = np.asarray(matrix)
    values = matrix_metrics(counts)
    names = [metric.name for metric in metrics_shown_in("class_report")]
    return [
        {"class": name, **{key: number_or_none(values[key][k]) for key in names}, "support": round(counts[k].sum())}
        for k, name in enumerate(classes)
    ]


def proportion_intervals(matrices: NDArray[np.int64], columns: Sequence[int]) -> dict[str, list[Interval | None]]:
    """The interval of each metric that is a proportion: of the whole set, or of each of the classes `columns`.

    Args:
        matrices: The confusion matrix of each group, shape (G, K, K): rows truth, columns prediction.
        columns: The classes.
    """
    counts = matrix_counts(matrices)
    return {
        name: _intervals(*(getattr(counts, key) for key in metric.proportion), columns=columns)
        for name, metric in METRICS.items()
        if metric.proportion
    }


def _intervals(part: Floats, whole: Floats, *, columns: Sequence[int]) -> list[Interval | None]:
    if part.ndim == 1:
        return [proportion_interval(part, whole)]
    return [proportion_interval(part[:, k], whole[:, k]) for k in columns]


def detection_counts(matrix: Sequence[Sequence[float]], positive: int) -> dict[str, Any]:
    """Positive cases and those detected, other cases and the false positives among them, from a confusion matrix.

    Counts are not integers if the matrix is a mean.

    >>> detection_counts([[1248, 90], [63, 218]], 1)
    {'positives': 281, 'true_positives': 218, 'others': 1338, 'false_positives': 90}
    """
    counts = np.asarray(matrix)
    return {
        "positives": round(counts[positive].sum()),
        "true_positives": counts[positive, positive].item(),
        "others": round(counts.sum() - counts[positive].sum()),
        "false_positives": (counts[:, positive].sum() - counts[positive, positive]).item(),
    }


def number_or_none(value: Floats | float) -> float | None:
    """A number as a JSON value: None if it is NaN."""
    return None if np.isnan(value) else float(value)
