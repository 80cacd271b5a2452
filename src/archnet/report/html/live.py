"""Precomputed counts for the threshold slider of a page, at each of its steps.

The page only looks up and divides counts, so its numbers agree with `predictions.csv` in every browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.metric_entry import class_estimate
from archnet.evaluation.operating_points import OPERATING_POINTS, operating_point_text
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.threshold_intervals import threshold_intervals
from archnet.report.curves import EvaluationResult
from archnet.report.wording import CONFIGURED_THRESHOLD
from archnet.spec.metrics import metrics_shown_in

_HUNDREDTHS: Final = np.linspace(0, 1, 101)
_NUM_QUANTILES: Final = 301
_NUM_FALSE_POSITIVE_STEPS: Final = 200


def live_panel(columns: Sequence[EvaluationResult], positive: int, *, by_false_positives: bool) -> dict[str, Any]:
    """The values of the template, which works without a script, and the data of the script.

    Args:
        columns: Columns for two classes; each has a confusion matrix, a row of numbers, and a mark on each curve.
        positive: Index of the positive class.
        by_false_positives: Also offer a slider for a common number of false positives in all columns, which must be of
            one set.
    """
    return {
        "columns": [_initial_column(result, positive) for result in columns],
        "points": [label for label, _ in _shared_operating_points(columns)],
        "by_false_positives": by_false_positives,
        "data": live_data(columns, positive, by_false_positives=by_false_positives),
    }


def _initial_column(result: EvaluationResult, positive: int) -> dict[str, Any]:
    """One column at the configured threshold."""
    class_name = result.predictions_by_seed[0].classes[positive]
    estimates = {
        metric.name: class_estimate(result.metrics, metric.name, class_name)
        for metric in metrics_shown_in("live_panel")
    }
    return {
        "name": result.name,
        "hue": result.hue,
        "threshold": result.metrics["threshold"],
        "matrix": result.metrics["confusion_matrix"],
        "supports": np.bincount(result.predictions_by_seed[0].y_true, minlength=2).tolist(),
        "numbers": {name: estimate.value for name, estimate in estimates.items()},
        "intervals": {name: estimate.interval for name, estimate in estimates.items()},
    }


def live_data(columns: Sequence[EvaluationResult], positive: int, *, by_false_positives: bool) -> dict[str, Any]:
    """The script's data: for each slider and each button, the counts of every seed of every column."""
    scales = [_threshold_scale(columns, positive)] + (
        [_false_positive_scale(columns, positive)] if by_false_positives else []
    )
    return {
        "columns": [_supports(result, positive) for result in columns],
        "scales": scales,
        "points": [
            {
                "at": [_slider_step(scale, entries[0]) for scale in scales],
                "columns": [
                    _threshold_counts(result, positive, np.array([entry["threshold"]]))
                    for result, entry in zip(columns, entries, strict=True)
                ],
            }
            for _, entries in _shared_operating_points(columns)
        ],
    }


def _shared_operating_points(columns: Sequence[EvaluationResult]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Label and entries per column of the operating points that all columns have; the configured one first."""
    own_metrics = [result.metrics for result in columns]
    shared = [key for key in OPERATING_POINTS if all(key in result.operating_points for result in columns)]
    points = [(key, [result.operating_points[key] for result in columns]) for key in shared]
    values = sorted({entry["threshold"] for entry in own_metrics})
    return [
        (f"{CONFIGURED_THRESHOLD} {' and '.join(f'{value:g}' for value in values)}", own_metrics),
        *((operating_point_text(key, entries[0]), entries) for key, entries in points),
    ]


def _supports(result: EvaluationResult, positive: int) -> dict[str, int]:
    positives = int(result.is_positive(positive).sum())
    return {"positives": positives, "others": len(result.predictions_by_seed[0].cases) - positives}


def _threshold_scale(columns: Sequence[EvaluationResult], positive: int) -> dict[str, Any]:
    """Multiples of 0.01, the thresholds of all buttons, and quantiles of the scores."""
    scores = np.concatenate(
        [cases.probabilities[:, positive] for result in columns for cases in result.predictions_by_seed]
    )
    quantiles = np.quantile(scores, np.linspace(0, 1, _NUM_QUANTILES), method="nearest")
    point_thresholds = [entry["threshold"] for _, entries in _shared_operating_points(columns) for entry in entries]
    steps = np.unique(np.concatenate([_HUNDREDTHS, quantiles, np.array(point_thresholds, np.float64)]))
    return {"steps": steps.tolist(), "columns": [_threshold_counts(result, positive, steps) for result in columns]}


def _threshold_counts(result: EvaluationResult, positive: int, thresholds: Floats) -> dict[str, Any]:
    """The counts of each seed's network at each threshold; for a single seed, with the intervals of proportions."""
    return {
        "thresholds": thresholds.tolist(),
        "trainings": [
            {
                "found": _cumulative_counts(scores[is_positive], thresholds),
                "alarms": _cumulative_counts(scores[~is_positive], thresholds),
            }
            for scores, is_positive in _scores_by_seed(result, positive)
        ],
        "intervals": _interval_ends(result, positive, thresholds) if len(result.predictions_by_seed) == 1 else {},
    }


def _interval_ends(result: EvaluationResult, positive: int, thresholds: Floats) -> dict[str, list[int | None]]:
    """The lower and upper ends of each proportion at each threshold, in thousandths; None where undefined."""
    cases = result.predictions_by_seed[0]
    groups = np.unique(cases.groups, return_inverse=True)[1]
    intervals = threshold_intervals(cases.probabilities[:, positive], result.is_positive(positive), groups, thresholds)
    return {
        name: [None if np.isnan(end) else round(1000 * end) for end in ends.ravel().tolist()]
        for name, ends in intervals.items()
    }


def _scores_by_seed(result: EvaluationResult, positive: int) -> list[tuple[Floats, NDArray[np.bool_]]]:
    is_positive = result.is_positive(positive)
    return [(cases.probabilities[:, positive], is_positive) for cases in result.predictions_by_seed]


def _cumulative_counts(scores: Floats, thresholds: Floats) -> list[int]:
    """Number of scores that reach each threshold."""
    counts: list[int] = (len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")).tolist()
    return counts


def _false_positive_scale(columns: Sequence[EvaluationResult], positive: int) -> dict[str, Any]:
    """The lowest threshold of each network that does not exceed each number of false positives, in ascending order."""
    others = _supports(columns[0], positive)["others"]
    steps = np.unique(
        np.concatenate([np.arange(min(others, 60) + 1), np.geomspace(1, others + 1, _NUM_FALSE_POSITIVE_STEPS) - 1])
    )
    steps = np.unique(steps.astype(np.int64))
    return {"steps": steps.tolist(), "columns": [_false_positive_column(result, positive, steps) for result in columns]}


def _false_positive_column(result: EvaluationResult, positive: int, steps: NDArray[np.int64]) -> dict[str, Any]:
    thresholds_by_seed = [
        _lowest_thresholds(scores, is_positive, steps) for scores, is_positive in _scores_by_seed(result, positive)
    ]
    counts_by_seed = [_threshold_counts(result, positive, thresholds) for thresholds in thresholds_by_seed]
    return {
        "thresholds": np.mean(thresholds_by_seed, axis=0).tolist(),
        "trainings": [counts["trainings"][place] for place, counts in enumerate(counts_by_seed)],
        "intervals": counts_by_seed[0]["intervals"],
    }


def _lowest_thresholds(scores: Floats, is_positive: NDArray[np.bool_], steps: NDArray[np.int64]) -> Floats:
    """The lowest threshold with at most a number of false positives; above 1 if there is none."""
    levels = np.append(np.unique(scores), np.nextafter(1.0, 2.0))
    false_positives = np.array(_cumulative_counts(scores[~is_positive], levels))
    return levels[np.searchsorted(-false_positives, -steps, side="left")]


def _slider_step(scale: Mapping[str, Any], entry: Mapping[str, Any]) -> int:
    """The slider position of an operating point of the first column."""
    thresholds = np.array(scale["columns"][0]["thresholds"])
    return int(np.argmin(np.abs(thresholds - entry["threshold"])))
