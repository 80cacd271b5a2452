"""Live: what a page's threshold slider moves, counted beforehand at every place where it can stop.

A page then only looks numbers up and divides: whatever the browser, the counts are those of `predictions.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.comparison_rows import of_class
from archnet.evaluation.ranking import Floats
from archnet.report.curves import PRECISION_RECALL, ROC, Judged, all_curves, marks
from archnet.report.html.inline_plot import inline_plot

_ROUND: Final = np.linspace(0, 1, 101)
_NUM_QUANTILES: Final = 301
_NUM_ALARMS: Final = 200
_POINT_NAMES: Final = {"recall": "recall of at least {wanted:g} in validation", "mcc": "best MCC in validation"}


def live_panel(columns: Sequence[Judged], positive: int, *, by_alarms: bool) -> dict[str, Any]:
    """What the template draws without a script, and the data of the script.

    Args:
        columns: Of two classes; each is a confusion matrix, a row of numbers, and a mark on each curve.
        positive: Index of the class that is looked for.
        by_alarms: Also offer a slider of false alarms, which all columns then have alike; they must be of one set.
    """
    curves = all_curves([(judged, positive, judged.name) for judged in columns])
    return {
        "columns": [_static(judged, positive) for judged in columns],
        "plots": [inline_plot(plot, curves[plot]) for plot in (ROC, PRECISION_RECALL) if plot in curves],
        "points": [label for label, _ in _points(columns)],
        "by_alarms": by_alarms,
        "data": live_data(columns, positive, by_alarms=by_alarms),
    }


def _static(judged: Judged, positive: int) -> dict[str, Any]:
    """One column as the experiment's threshold has it."""
    names = ("recall", "precision", "specificity", "f1", "mcc", "accuracy")
    name = judged.trainings[0].classes[positive]
    return {
        "name": judged.name,
        "threshold": judged.metrics["threshold"],
        "matrix": judged.metrics["confusion_matrix"],
        "supports": np.bincount(judged.trainings[0].y_true, minlength=2).tolist(),
        "numbers": {key: of_class(judged.metrics[key], name) for key in names},
        "intervals": {key: of_class(judged.metrics.get("intervals", {}).get(key), name) for key in names},
        "marks": marks(judged, positive) if 0 < judged.is_positive(positive).mean() < 1 else (None, None),
    }


def live_data(columns: Sequence[Judged], positive: int, *, by_alarms: bool) -> dict[str, Any]:
    """The script's data: for each slider and each button, counts of every column's every seed."""
    scales = [_threshold_scale(columns, positive)] + ([_alarm_scale(columns, positive)] if by_alarms else [])
    return {
        "columns": [_supports(judged, positive) for judged in columns],
        "scales": scales,
        "points": [
            {
                "at": [_place(scale, entries[0]) for scale in scales],
                "columns": [
                    _counted(judged, positive, np.array([entry["threshold"]]))
                    for judged, entry in zip(columns, entries, strict=True)
                ],
            }
            for _, entries in _points(columns)
        ],
    }


def _points(columns: Sequence[Judged]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Label and entries, one a column, of the operating points that all columns have; the experiment's own first."""
    own = [judged.metrics for judged in columns]
    shared = [name for name in _POINT_NAMES if all(name in judged.points for judged in columns)]
    chosen = [(name, [judged.points[name] for judged in columns]) for name in shared]
    values = sorted({entry["threshold"] for entry in own})
    return [
        (f"threshold {' and '.join(f'{value:g}' for value in values)}, as set", own),
        *((_POINT_NAMES[name].format_map(entries[0]), entries) for name, entries in chosen),
    ]


def _supports(judged: Judged, positive: int) -> dict[str, int]:
    positives = int(judged.is_positive(positive).sum())
    return {"positives": positives, "others": len(judged.trainings[0].cases) - positives}


def _threshold_scale(columns: Sequence[Judged], positive: int) -> dict[str, Any]:
    """Every hundredth, every threshold of a button, and scores of the cases, denser where more cases are."""
    scores = np.concatenate([cases.probabilities[:, positive] for judged in columns for cases in judged.trainings])
    quantiles = np.quantile(scores, np.linspace(0, 1, _NUM_QUANTILES), method="nearest")
    set_ones = [entry["threshold"] for _, entries in _points(columns) for entry in entries]
    steps = np.unique(np.concatenate([_ROUND, quantiles, np.array(set_ones, np.float64)]))
    return {"steps": steps.tolist(), "columns": [_counted(judged, positive, steps) for judged in columns]}


def _counted(judged: Judged, positive: int, thresholds: Floats) -> dict[str, Any]:
    """What each of the thresholds finds, by each seed's network."""
    return {
        "thresholds": thresholds.tolist(),
        "trainings": [
            {"found": _at_least(scores[is_positive], thresholds), "alarms": _at_least(scores[~is_positive], thresholds)}
            for scores, is_positive in _scored(judged, positive)
        ],
    }


def _scored(judged: Judged, positive: int) -> list[tuple[Floats, NDArray[np.bool_]]]:
    is_positive = judged.is_positive(positive)
    return [(cases.probabilities[:, positive], is_positive) for cases in judged.trainings]


def _at_least(scores: Floats, thresholds: Floats) -> list[int]:
    """How many scores reach each threshold."""
    counts: list[int] = (len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")).tolist()
    return counts


def _alarm_scale(columns: Sequence[Judged], positive: int) -> dict[str, Any]:
    """For rising numbers of false alarms, the lowest threshold of each network that gives no more."""
    others = _supports(columns[0], positive)["others"]
    steps = np.unique(np.concatenate([np.arange(min(others, 60) + 1), np.geomspace(1, others + 1, _NUM_ALARMS) - 1]))
    steps = np.unique(steps.astype(np.int64))
    return {"steps": steps.tolist(), "columns": [_allowed(judged, positive, steps) for judged in columns]}


def _allowed(judged: Judged, positive: int, steps: NDArray[np.int64]) -> dict[str, Any]:
    found = [_thresholds_of(scores, is_positive, steps) for scores, is_positive in _scored(judged, positive)]
    counted = [_counted(judged, positive, cuts)["trainings"][place] for place, cuts in enumerate(found)]
    return {"thresholds": np.mean(found, axis=0).tolist(), "trainings": counted}


def _thresholds_of(scores: Floats, is_positive: NDArray[np.bool_], steps: NDArray[np.int64]) -> Floats:
    """The lowest score from which on there are at most so many false alarms; above 1 where no score does."""
    levels = np.append(np.unique(scores), np.nextafter(1.0, 2.0))
    alarms = np.array(_at_least(scores[~is_positive], levels))
    return levels[np.searchsorted(-alarms, -steps, side="left")]


def _place(scale: Mapping[str, Any], entry: Mapping[str, Any]) -> int:
    """Where a slider stands for an operating point of the first column."""
    thresholds = np.array(scale["columns"][0]["thresholds"])
    return int(np.argmin(np.abs(thresholds - entry["threshold"])))
