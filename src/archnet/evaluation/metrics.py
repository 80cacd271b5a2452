"""Metrics of one run: what `metrics.json` says about each set, each number with its 95% interval.

A number that is undefined (the recall of a class that does not occur, the MCC of a constant prediction) is None,
never an invented zero; a macro mean is taken over the classes for which the number is defined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.intervals import Interval, percentile_interval, resamples, wilson
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Floats, Ranking, auc, average_precision, ranking, ratio
from archnet.evaluation.run_folder import SETS

METRICS = ("accuracy", "recall", "precision", "specificity", "f1", "mcc", "auc", "average_precision")
_SCALARS = ("accuracy", "mcc")

Entry = float | dict[str, Any] | None
IntervalEntry = Interval | dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How numbers are drawn from predictions.

    Attributes:
        positive: Index of the class whose numbers are given, of two.
        threshold: Probability from which a case is taken for positive, of two classes.
        bootstraps: Resamples behind each bootstrap interval; 0 leaves these intervals out (None).
        seed: Of the resamples.
    """

    positive: int
    threshold: float
    bootstraps: int
    seed: int


def evaluate(
    predictions: Predictions, *, positive: int, threshold: float = 0.5, bootstraps: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """The metrics of each set that has cases, JSON-ready.

    Args:
        predictions: All sets' cases together.
        positive: Index of the class whose recall counts.
        threshold: For two classes: probability of `positive` from which a case is taken for it.
        bootstraps: Resamples of groups behind the intervals that are not of proportions.
        seed: Of the resamples.

    Returns:
        For each of "train", "validation" and "test" that occurs: `n`, `threshold` (None for more than two classes),
        `confusion_matrix` (rows truth, columns prediction), the metrics, and `intervals` with the same names. With
        more than two classes a metric of one class is {"macro": ..., "per_class": {name: ...}}.
    """
    rule = Rule(positive=positive, threshold=threshold, bootstraps=bootstraps, seed=seed)
    return {name: _set_metrics(predictions.only(name), rule) for name in SETS if np.any(predictions.sets == name)}


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
        {"class": name, **{key: _number(values[key][k]) for key in names}, "support": int(counts[k].sum())}
        for k, name in enumerate(classes)
    ]


def _set_metrics(predictions: Predictions, rule: Rule) -> dict[str, Any]:
    """The entry of one set."""
    num_classes = len(predictions.classes)
    columns = [rule.positive] if num_classes == 2 else list(range(num_classes))
    y_pred = predictions.predicted(positive=rule.positive, threshold=rule.threshold)
    matrix = confusion_matrix(predictions.y_true, y_pred, num_classes)
    values = _values(matrix, [_ranked(predictions, k) for k in columns], np.ones(len(y_pred)), columns)
    samples = _bootstrapped(predictions, y_pred, columns, rule)
    names = [predictions.classes[k] for k in columns]
    proportions = _proportions(matrix, columns)
    return {
        "n": len(y_pred),
        "threshold": rule.threshold if num_classes == 2 else None,
        "confusion_matrix": matrix.tolist(),
        **{name: _entry(values[name], names) for name in METRICS},
        "intervals": {
            name: _interval_entry(proportions.get(name), samples.get(name), names[:1] if name in _SCALARS else names)
            for name in METRICS
        },
    }


def _ranked(predictions: Predictions, k: int) -> Ranking:
    """The cases in order of their probability of class k."""
    return ranking(predictions.probabilities[:, k], predictions.y_true == k)


def _values(matrix: NDArray[Any], ranked: Sequence[Ranking], weights: Floats, columns: list[int]) -> dict[str, Floats]:
    """All metrics: those of the whole set of shape (...), those of one class of shape (..., len(columns))."""
    whole = matrix_metrics(matrix)
    of_classes = {name: value if name in _SCALARS else value[..., columns] for name, value in whole.items()}
    counts = [entry.counts(weights) for entry in ranked]
    return {
        **of_classes,
        "auc": np.stack([auc(*pair) for pair in counts], axis=-1),
        "average_precision": np.stack([average_precision(*pair) for pair in counts], axis=-1),
    }


def _bootstrapped(
    predictions: Predictions, y_pred: NDArray[np.int64], columns: list[int], rule: Rule
) -> dict[str, Floats]:
    """All metrics of each resample of groups; empty where there is nothing to resample (fewer than two groups)."""
    names, groups = np.unique(predictions.groups, return_inverse=True)
    if len(names) < 2 or rule.bootstraps == 0:
        return {}
    num_classes = len(predictions.classes)
    cells = (groups * num_classes + predictions.y_true) * num_classes + y_pred
    matrices = np.bincount(cells, minlength=len(names) * num_classes**2).reshape(len(names), -1)
    ranked = [_ranked(predictions, k) for k in columns]
    chunks = [
        _values((counts @ matrices).reshape(-1, num_classes, num_classes), ranked, counts[:, groups], columns)
        for counts in resamples(len(names), rule.bootstraps, num_cases=len(groups), seed=rule.seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in METRICS}


def _proportions(matrix: NDArray[np.int64], columns: list[int]) -> dict[str, list[Interval | None]]:
    """Wilson's interval of each metric that is a proportion: of the accuracy, and of each of the classes `columns`."""
    hits, truth, predicted = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    others = matrix.sum() - truth
    pairs = {
        "recall": (hits, truth),
        "precision": (hits, predicted),
        "specificity": (others - predicted + hits, others),
    }
    of_classes = {
        name: [wilson(int(successes[k]), int(trials[k])) for k in columns]
        for name, (successes, trials) in pairs.items()
    }
    return {"accuracy": [wilson(int(hits.sum()), int(matrix.sum()))], **of_classes}


def _entry(values: Floats, names: list[str]) -> Entry:
    """A metric as it stands in `metrics.json`: a number, or a macro mean with the number of each class."""
    if values.ndim == 0 or len(names) == 1:
        return _number(values.reshape(()))
    return {"macro": _number(_macro(values)), "per_class": dict(zip(names, map(_number, values), strict=True))}


def _interval_entry(
    proportions: list[Interval | None] | None, samples: Floats | None, names: list[str]
) -> IntervalEntry:
    """A metric's interval in the form of its `_entry`: Wilson's where it is a proportion, else the bootstrap's."""
    ends = proportions or _sample_intervals(samples, len(names))
    if len(ends) == 1:
        return ends[0]
    macro = None if samples is None else percentile_interval(_macro(samples))
    return {"macro": macro, "per_class": dict(zip(names, ends, strict=True))}


def _sample_intervals(samples: Floats | None, num_columns: int) -> list[Interval | None]:
    """The bootstrap interval of a metric of the whole set, or of each class's."""
    if samples is None:
        return [None] * num_columns
    return [percentile_interval(column) for column in samples.reshape(len(samples), -1).T]


def _macro(values: Floats) -> Floats:
    """The mean over the classes (the last axis) whose number is defined; NaN where none is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)


def recomputed(predictions: Predictions, metrics: Mapping[str, Any], *, bootstraps: int = 1000) -> dict[str, Any]:
    """`metrics.json` computed again from the predictions; what they can't tell (the costs) is kept as it was.

    Args:
        predictions: The run's, with the classes that `metrics` names.
        metrics: The present content of `metrics.json`; it names the positive class and the threshold.
        bootstraps: Resamples behind the intervals.

    Raises:
        ValueError: `metrics` names a positive class that the predictions don't have.
    """
    positive = metrics["positive"]
    if positive not in predictions.classes:
        raise ValueError(f'positive class "{positive}" is none of {", ".join(predictions.classes)}')
    thresholds = [metrics[name]["threshold"] for name in SETS if name in metrics]
    threshold = next((value for value in thresholds if value is not None), 0.5)
    index = predictions.classes.index(positive)
    sets = evaluate(predictions, positive=index, threshold=threshold, bootstraps=bootstraps)
    costs = {key: value for key, value in metrics.items() if key not in (*SETS, "positive", "classes")}
    return {"positive": positive, "classes": list(predictions.classes), **sets, **costs}
