"""Metrics after an epoch, without intervals: of the positive class for two classes, with macro means for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import matrix_metrics
from archnet.evaluation.metric_values import macro_mean
from archnet.evaluation.ranking import RANKING_FORMULAS, ranking
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.spec.metrics import METRICS, summary_name


def matrix_values(matrix: NDArray[Any], positive: int) -> dict[str, Floats]:
    """The metrics of a confusion matrix (K, K), NaN where undefined.

    Args:
        matrix: Counts: rows truth, columns prediction.
        positive: Index of the positive class, of two classes.

    Returns:
        A metric of the whole set has shape (), a per-class metric shape (K,), or (1,) for two classes.
    """
    columns = _class_columns(len(matrix), positive)
    values = matrix_metrics(matrix)
    return {name: value[columns] if METRICS[name].is_per_class else value for name, value in values.items()}


def ranking_values(probabilities: Floats, labels: NDArray[np.int64], positive: int) -> dict[str, Floats]:
    """The ranking metrics of each class, NaN where undefined.

    Args:
        probabilities: (N, K).
        labels: (N,) index of the class.
        positive: Index of the positive class, of two classes.

    Returns:
        Arrays of shape (K,), or (1,) for two classes.
    """
    columns = _class_columns(probabilities.shape[1], positive)
    counts = [ranking(probabilities[:, k], labels == k).counts(np.ones(len(labels))) for k in columns]
    return {name: np.array([formula(*pair) for pair in counts]) for name, formula in RANKING_FORMULAS.items()}


def _class_columns(num_classes: int, positive: int) -> list[int]:
    return [positive] if num_classes == 2 else list(range(num_classes))


def named_metrics(values: Mapping[str, float | Floats], classes: Sequence[str] = ()) -> dict[str, float]:
    """Metrics by their names in history.csv, without the prefix of the set.

    >>> named_metrics({"accuracy": 0.5, "recall": np.array([0.75])})
    {'accuracy': 0.5, 'recall': 0.75}
    >>> named_metrics({"accuracy": 0.5, "recall": np.array([1.0, 0.5, 0.0])}, ["CT-0", "CT-1", "CT-23"])
    {'accuracy': 0.5, 'macro_recall': 0.5, 'recall.CT-0': 1.0, 'recall.CT-1': 0.5, 'recall.CT-23': 0.0}

    Args:
        values: Result of `matrix_values` and `ranking_values`.
        classes: Names of more than two classes; without them, per-class values are omitted.
    """
    named: dict[str, float] = {}
    for name, value in values.items():
        numbers = np.atleast_1d(value)
        named[summary_name(name, len(numbers))] = float(macro_mean(numbers))
        if len(numbers) > 1:
            named |= {f"{name}.{label}": float(number) for label, number in zip(classes, numbers, strict=False)}
    return named
