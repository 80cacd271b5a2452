"""Metrics of each set of a run for `metrics.json`, with 95% intervals.

An undefined metric (the recall of an absent class, the MCC of a constant prediction) is None, not 0; a macro mean is
over the classes with a defined value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from archnet.evaluation.calibration import apply_temperature, calibration, fit_temperature
from archnet.evaluation.confusion import confusion_matrix, number_or_none
from archnet.evaluation.decision.binary_cases import BinaryCases
from archnet.evaluation.decision.decision import decision
from archnet.evaluation.integrity.collapse import find_collapse
from archnet.evaluation.kept_epoch import split_members
from archnet.evaluation.metric_intervals import GroupedCases, interval_entries
from archnet.evaluation.metric_values import class_ranking, macro_mean, metric_values
from archnet.evaluation.operating_points import choose_thresholds, wanted_recall
from archnet.evaluation.predictions import DEFAULT_BOOTSTRAPS, DEFAULT_THRESHOLD, Predictions
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.spec.experiment import SETS
from archnet.spec.metrics import EVALUATED_METRICS, MATRIX_METRICS

Entry = float | dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOptions:
    """Options for the computation of metrics.

    Attributes:
        positive: Index of the positive class, of two.
        threshold: Probability from which a case is predicted as positive, for two classes.
        bootstraps: Number of resamples for bootstrap intervals; 0 omits these intervals (None).
        seed: Seed of the resamples.
    """

    positive: int
    threshold: float
    bootstraps: int
    seed: int


def evaluate(
    predictions: Predictions,
    *,
    positive: int,
    threshold: float | None = None,
    recall: float | None = None,
    bootstraps: int = DEFAULT_BOOTSTRAPS,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Compute the metrics of each non-empty set, JSON-ready.

    Args:
        predictions: Cases of all sets.
        positive: Index of the positive class.
        threshold: For two classes: probability of `positive` from which a case is predicted as it; None means
            `DEFAULT_THRESHOLD`.
        recall: For two classes: target recall of a threshold chosen on the validation set.
        bootstraps: Number of resamples of groups for intervals without a closed form; 0 omits these intervals (None).
        seed: Seed of the resamples, and of the simulated calibration errors.

    Returns:
        For each non-empty set of "train", "validation" and "test": the number `n` of cases and that of their `groups`,
        `threshold` (None for more than two classes), `confusion_matrix` (rows truth, columns prediction), the metrics,
        and `intervals` with the same names. With more than two classes, a per-class metric is {"macro": ...,
        "per_class": {name: ...}}. Also `calibration`; with two classes, `decision` (see `decision`); and with two
        classes and a validation set, `operating_points`: the metrics at thresholds chosen on that set.
    """
    options = MetricOptions(
        positive=positive,
        threshold=DEFAULT_THRESHOLD if threshold is None else threshold,
        bootstraps=bootstraps,
        seed=seed,
    )
    parts = {name: predictions.select(name, is_labelled=True) for name in SETS}
    parts = {name: part for name, part in parts.items() if len(part.cases)}
    points = choose_thresholds(parts.get("validation"), positive, recall)
    heat = fit_temperature(parts["validation"]) if "validation" in parts else None
    return {
        name: _set_metrics(part, options)
        | _operating_points(part, options, points)
        | _calibration(part, options, heat)
        | _decision(part, options)
        for name, part in parts.items()
    }


def _set_metrics(part: Predictions, options: MetricOptions) -> dict[str, Any]:
    """The entry of one set."""
    threshold = options.threshold if len(part.classes) == 2 else None
    num_groups = len(np.unique(part.groups))
    return {
        "n": len(part.cases),
        "groups": num_groups,
        "threshold": threshold,
        **_metrics_with_intervals(part, options, EVALUATED_METRICS),
    }


def _operating_points(
    part: Predictions, options: MetricOptions, points: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    """The entry with the metrics of one set at each chosen threshold; empty if no threshold is chosen."""
    entries = {
        name: {**point, **_metrics_with_intervals(part, replace(options, threshold=point["threshold"]), MATRIX_METRICS)}
        for name, point in points.items()
    }
    return {"operating_points": entries} if entries else {}


def _calibration(part: Predictions, options: MetricOptions, temperature: float | None) -> dict[str, dict[str, Any]]:
    """The calibration of one set before temperature scaling, and after it if a temperature could be fitted."""
    entry = calibration(part, options.positive, seed=options.seed)
    if temperature is not None:
        calibrated = calibration(apply_temperature(part, temperature), options.positive, seed=options.seed)
        entry["scaled"] = {"temperature": temperature, **calibrated}
    return {"calibration": entry}


def _decision(part: Predictions, options: MetricOptions) -> dict[str, dict[str, Any]]:
    """The decision analysis of one set; empty for more than two classes."""
    if len(part.classes) > 2:
        return {}
    cases = BinaryCases(
        scores=part.probabilities[:, options.positive],
        is_positive=part.y_true == options.positive,
        groups=np.unique(part.groups, return_inverse=True)[1],
    )
    return {"decision": decision(cases, options.threshold)}


def _metrics_with_intervals(part: Predictions, options: MetricOptions, metric_names: Sequence[str]) -> dict[str, Any]:
    """The confusion matrix, the metrics `metric_names` (all, or only those of the matrix), and their intervals."""
    columns = _columns(part, options.positive)
    y_pred = part.predicted_classes(positive=options.positive, threshold=options.threshold)
    matrix = confusion_matrix(part.y_true, y_pred, len(part.classes))
    rankings = {} if metric_names is MATRIX_METRICS else {k: class_ranking(part, k) for k in columns}
    values = metric_values(matrix, rankings, np.ones(len(y_pred)), columns, metric_names)
    cases = GroupedCases(
        part=part,
        y_pred=y_pred,
        columns=columns,
        rankings=rankings,
        bootstraps=options.bootstraps,
        seed=options.seed,
    )
    names = [part.classes[k] for k in columns]
    return {
        "confusion_matrix": matrix.tolist(),
        **{name: _metric_entry(values[name], names) for name in metric_names},
        "intervals": interval_entries(cases, {name: values[name] for name in metric_names}),
    }


def _columns(part: Predictions, positive: int) -> list[int]:
    """The classes with values of their own: the positive one of two, otherwise all."""
    return [positive] if len(part.classes) == 2 else list(range(len(part.classes)))


def metric_entries(part: Predictions, positive: int, threshold: float | None) -> dict[str, Entry]:
    """All metrics of one set without intervals, as entries of `metrics.json`.

    Args:
        part: The cases of the set.
        positive: Index of the positive class, of two.
        threshold: Probability from which a case is predicted as positive; None for more than two classes.
    """
    columns = _columns(part, positive)
    y_pred = part.predicted_classes(positive=positive, threshold=threshold)
    matrix = confusion_matrix(part.y_true, y_pred, len(part.classes))
    rankings = {k: class_ranking(part, k) for k in columns}
    values = metric_values(matrix, rankings, np.ones(len(y_pred)), columns, EVALUATED_METRICS)
    return {name: _metric_entry(values[name], [part.classes[k] for k in columns]) for name in EVALUATED_METRICS}


def _metric_entry(values: Floats, names: list[str]) -> Entry:
    """A metric as an entry of `metrics.json`: a number, or a macro mean with the value of each class."""
    if values.ndim == 0 or len(names) == 1:
        return number_or_none(values.reshape(()))
    return {
        "macro": number_or_none(macro_mean(values)),
        "per_class": dict(zip(names, map(number_or_none, values), strict=True)),
    }


def collapse_entry(
    predictions: Predictions, metrics: Mapping[str, Any], history: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """The entry "collapsed" of `metrics.json` (see `find_collapse`); empty for a run that has not collapsed.

    Args:
        predictions: Cases of all sets.
        metrics: The run's metrics, which name the positive class and the threshold.
        history: The columns of history.csv; empty for a run without a network.
    """
    positive = predictions.classes.index(metrics["positive"])
    threshold = next((metrics[name]["threshold"] for name in SETS if name in metrics), None)
    y_pred = predictions.predicted_classes(positive=positive, threshold=threshold)
    losses = [own.get("train_loss", ()) for own in split_members(history).values()]
    collapse = find_collapse(predictions.classes, predictions.y_true, y_pred, predictions.probabilities, losses)
    return {} if collapse is None else {"collapsed": collapse}


def recompute_metrics(
    predictions: Predictions, metrics: Mapping[str, Any], *, bootstraps: int = DEFAULT_BOOTSTRAPS
) -> dict[str, Any]:
    """Recompute `metrics.json` from the predictions, without FROC and collapse; the costs are kept.

    Args:
        predictions: The run's predictions, with the classes that `metrics` names.
        metrics: The current content of `metrics.json`, with the positive class, the threshold and the target recall.
        bootstraps: Number of resamples for the intervals.

    Raises:
        ValueError: The positive class of `metrics` is not a class of the predictions.
    """
    positive = metrics["positive"]
    if positive not in predictions.classes:
        raise ValueError(f'positive class "{positive}" is not one of {", ".join(predictions.classes)}')
    entries = [metrics[name] for name in SETS if name in metrics]
    thresholds = (entry["threshold"] for entry in entries)
    sets = evaluate(
        predictions,
        positive=predictions.classes.index(positive),
        threshold=next((value for value in thresholds if value is not None), None),
        recall=wanted_recall(entries),
        bootstraps=bootstraps,
    )
    costs = {
        key: value
        for key, value in metrics.items()
        if key not in (*SETS, "positive", "classes", "collapsed", "strata", "members")
    }
    return {"positive": positive, "classes": list(predictions.classes), **sets, **costs}
