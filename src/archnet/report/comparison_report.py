"""The report of a comparison: runs side by side on one self-contained page, and `comparison.json` beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archnet.evaluation.comparison import Comparison, Paired, compare
from archnet.evaluation.comparison_rows import Row, of_class
from archnet.evaluation.confusion import class_report
from archnet.evaluation.metrics import METRICS
from archnet.evaluation.pools import Pool
from archnet.evaluation.ranking import roc_curve
from archnet.evaluation.run_folder import write_json
from archnet.report.comparison_wording import (
    DIFFERENCE_NAMES,
    comparison_cautions,
    comparison_sentence,
    cost_ratio,
    errors_text,
    p_value,
    place_text,
    pooled_text,
    probability,
    ratio_text,
    uncertainty,
)
from archnet.report.figures import Curve, interval_figure, roc_figure
from archnet.report.page import Embedded, embedded, write_page
from archnet.report.paired_figure import difference_figure
from archnet.report.wording import (
    METRIC_NAMES,
    SET_NAMES,
    count,
    decimals,
    detection_counts,
    duration,
    memory,
    short_count,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from archnet.report.theme import Theme

_PLOTTED = ("recall", "precision", "mcc", "auc")
_COSTS = {
    "parameters": ("parameters", count),
    "macs": ("multiply-adds per case", short_count),
    "peak_memory_bytes": ("peak memory", memory),
    "train_seconds": ("training time", duration),
}


def write_comparison(experiment_folder: Path, runs: Sequence[Path]) -> Path:
    """Write `report.html` and `comparison.json` of several runs into their experiment's folder.

    Returns:
        The page written.

    Raises:
        RunError: There are fewer than two finished runs, or they have not the same classes, set and cases.
        DataError: A file of a run folder is damaged.
    """
    comparison = compare(runs)
    write_json(experiment_folder / "comparison.json", comparison.as_json())
    return write_page(experiment_folder / "report.html", "comparison.html", _values(experiment_folder, comparison))


def _values(experiment_folder: Path, comparison: Comparison) -> dict[str, Any]:
    """What the template is filled with."""
    return {
        "title": experiment_folder.resolve().name,
        "headline": comparison_sentence(comparison),
        "cautions": comparison_cautions(comparison),
        "comparison": comparison,
        "classes": comparison.classes,
        "positive": comparison.positive,
        "links": [_links(experiment_folder, row) for row in comparison.rows],
        "pooled": [pooled_text(row) for row in comparison.rows],
        "metric_rows": _metric_rows(comparison),
        "cost_rows": _cost_rows(comparison),
        "pairs": [_pair_values(pair) for pair in comparison.paired],
        "reports": [class_report(row.metrics["confusion_matrix"], comparison.classes) for row in comparison.rows],
        "differences": _differences(comparison),
        "intervals": embedded(partial(_intervals, comparison), _spoken_intervals(comparison)),
        "roc": _roc(comparison),
    }


def _links(experiment_folder: Path, row: Row) -> list[tuple[str, str]]:
    """Name and relative address of each run's own report, of those inside the experiment's folder."""
    reports = [Path(folder).resolve() / "report.html" for folder in row.folders]
    home = experiment_folder.resolve()
    inside = [report for report in reports if report.is_relative_to(home) and report.exists()]
    return [(report.parent.name, report.relative_to(home).as_posix()) for report in inside]


def _pair_values(pair: Paired) -> dict[str, Any]:
    """One architecture against the reference, in words."""
    return {
        "reference": pair.reference,
        "other": pair.other,
        "rows": [
            {"label": label, "p": probability(p_value(pair, name)), **pair.differences[name]}
            for name, label in DIFFERENCE_NAMES.items()
            if name in pair.differences
        ],
        "errors": errors_text(pair),
        "document": [place_text(difference) for difference in pair.document],
    }


def _cost_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Each cost of every row, with how many times the reference's it is."""
    names = {row.run for row in comparison.rows} - {pair.other for pair in comparison.paired}
    reference = comparison.row(names.pop())
    return [
        {
            "label": label,
            "cells": [
                (say(row.costs[name]), "" if row is reference else ratio_text(cost_ratio(reference, row, name)))
                for row in comparison.rows
            ],
        }
        for name, (label, say) in _COSTS.items()
    ]


def _differences(comparison: Comparison) -> Embedded | None:
    """The picture of all paired differences."""
    if not comparison.paired:
        return None
    places = {row.run: place for place, row in enumerate(comparison.rows)}
    reference, others = comparison.paired[0].reference, {pair.other: places[pair.other] for pair in comparison.paired}
    rows = {
        label: [
            (pair.differences[name]["difference"], pair.differences[name]["interval"]) for pair in comparison.paired
        ]
        for name, label in DIFFERENCE_NAMES.items()
        if name in comparison.paired[0].differences
    }
    return embedded(
        partial(difference_figure, reference, others, rows),
        f"Differences of {', '.join(others)} to {reference} with 95% intervals; the numbers are in the tables below.",
    )


def _metric_rows(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "cells": [
                (row.value(name, comparison.positive), uncertainty(row, name, comparison.positive))
                for row in comparison.rows
            ],
        }
        for name in METRICS
    ]


def _intervals(comparison: Comparison, theme: Theme) -> Figure:
    names = [row.run for row in comparison.rows]
    panels = {
        METRIC_NAMES[name]: [
            (row.value(name, comparison.positive), _range(row, name, comparison.positive)) for row in comparison.rows
        ]
        for name in _PLOTTED
    }
    return interval_figure(names, panels, theme)


def _range(row: Row, name: str, positive: str) -> list[float] | None:
    """The 95% interval; of several seeds the lowest and the highest."""
    if not row.of_seeds:
        return row.interval(name, positive)
    values = [of_class(metrics[name], positive) for metrics in row.of_seeds]
    return None if None in values else [min(values), max(values)]


def _spoken_intervals(comparison: Comparison) -> str:
    said = (f"{row.run} {decimals(row.value('recall', comparison.positive))}" for row in comparison.rows)
    return f"Metrics of each run with 95% intervals. Recall: {'; '.join(said)}."


def _roc(comparison: Comparison) -> Embedded | None:
    """The ROC curve of the positive class on the compared set, of each architecture."""
    k = comparison.classes.index(comparison.positive)
    is_positive = comparison.pools[0].trainings[0].y_true == k
    if is_positive.all() or not is_positive.any():
        return None
    curves = [_curve(pool, row, k) for pool, row in zip(comparison.pools, comparison.rows, strict=True)]
    draw = partial(roc_figure, curves, f"ROC, {SET_NAMES[comparison.set]} set")
    return embedded(draw, "ROC curves of " + ", ".join(curve.name for curve in curves) + ".")


def _curve(pool: Pool, row: Row, k: int) -> Curve:
    """An architecture's curve; of several seeds the mean recall at each false-positive rate (Fawcett 2006).

    doi:10.1016/j.patrec.2005.10.010
    """
    found = [roc_curve(cases.probabilities[:, k], cases.y_true == k) for cases in pool.trainings]
    area = row.value("auc", pool.trainings[0].classes[k])
    if len(found) == 1:
        mark = _mark(row, k) if row.metrics["threshold"] is not None else None
        return Curve(name=pool.name, false_positive_rate=found[0][0], recall=found[0][1], auc=area, mark=mark)
    grid = np.linspace(0, 1, 401)
    recall = np.mean([np.interp(grid, *curve) for curve in found], axis=0)
    return Curve(name=pool.name, false_positive_rate=grid, recall=recall, auc=area)


def _mark(row: Row, k: int) -> tuple[float, float]:
    """False-positive rate and recall at the threshold."""
    counts = detection_counts(row.metrics["confusion_matrix"], k)
    return counts["alarms"] / counts["others"], counts["found"] / counts["positives"]
