"""Values of all metrics of a set, from its confusion matrix and its cases ranked by each class's probability."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import matrix_metrics, number_or_none
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import RANKING_FORMULAS, Ranking, ranking
from archnet.evaluation.uncertainty.ratio import Floats, ratio
from archnet.spec.metrics import METRICS, metrics_shown_in


def class_ranking(predictions: Predictions, k: int) -> Ranking:
    """The cases ranked by their probability of class k."""
    return ranking(predictions.probabilities[:, k], predictions.y_true == k)


def metric_values(
    matrix: NDArray[Any],
    rankings: Mapping[int, Ranking],
    weights: Floats,
    columns: Sequence[int],
    names: Collection[str],
) -> dict[str, Floats]:
    """Metrics of a set, NaN where undefined.

    Args:
        matrix: Confusion matrices, shape (..., K, K): rows truth, columns prediction.
        rankings: Ranking of each column; required if `names` has a ranking metric.
        weights: How often each case counts, shape (..., N).
        columns: The classes to compute metrics for.
        names: The metrics to compute.

    Returns:
        For each name, an array of shape (..., len(columns)) if each class has its own value, else (...).
    """
    whole = matrix_metrics(matrix)
    values = {
        name: value[..., columns] if METRICS[name].is_per_class else value
        for name, value in whole.items()
        if name in names
    }
    formulas = {name: formula for name, formula in RANKING_FORMULAS.items() if name in names}
    counts = [rankings[k].counts(weights) for k in columns] if formulas else []
    return values | {name: np.stack([formula(*pair) for pair in counts], axis=-1) for name, formula in formulas.items()}


def macro_mean(values: Floats) -> Floats:
    """The mean over the classes (last axis) with a defined value; NaN if there is none."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


def macro_report(matrix: Sequence[Sequence[int]]) -> dict[str, float | None]:
    """The means of the class report's metrics over the classes for which they are defined, from a confusion matrix."""
    values = matrix_metrics(np.asarray(matrix))
    return {metric.name: number_or_none(macro_mean(values[metric.name])) for metric in metrics_shown_in("class_report")}
