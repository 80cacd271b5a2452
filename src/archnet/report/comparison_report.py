"""The report of a comparison: runs side by side on one self-contained page, and `comparison.json` beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archnet.evaluation.comparison import Comparison, Row, compare
from archnet.evaluation.metrics import METRICS, class_report
from archnet.evaluation.run_folder import write_json
from archnet.report.figures import Curve, interval_figure, roc_curve_of, roc_figure
from archnet.report.page import Embedded, embedded, write_page
from archnet.report.run_files import read_run
from archnet.report.wording import METRIC_NAMES, SET_NAMES, comparison_sentence, decimals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from archnet.report.theme import Theme

_PLOTTED = ("recall", "precision", "mcc", "auc")


def write_comparison(experiment_folder: Path, runs: Sequence[Path]) -> Path:
    """Write `report.html` and `comparison.json` of several runs into their experiment's folder.

    Returns:
        The page written.

    Raises:
        RunError: There are fewer than two finished runs, or they share no classes or set.
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
        "cautions": comparison.warnings,
        "comparison": comparison,
        "classes": comparison.classes,
        "positive": comparison.positive,
        "links": [_link(experiment_folder, row) for row in comparison.rows],
        "metric_rows": _metric_rows(comparison),
        "reports": [class_report(row.metrics["confusion_matrix"], comparison.classes) for row in comparison.rows],
        "intervals": embedded(partial(_intervals, comparison), _spoken_intervals(comparison)),
        "roc": _roc(comparison),
    }


def _link(experiment_folder: Path, row: Row) -> str | None:
    """The relative address of a run's own report, where the run lies inside the experiment's folder."""
    report = Path(row.folder).resolve() / "report.html"
    inside = report.is_relative_to(experiment_folder.resolve()) and report.exists()
    return report.relative_to(experiment_folder.resolve()).as_posix() if inside else None


def _metric_rows(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "cells": [
                {"value": row.value(name, comparison.positive), "interval": row.interval(name, comparison.positive)}
                for row in comparison.rows
            ],
        }
        for name in METRICS
    ]


def _intervals(comparison: Comparison, theme: Theme) -> Figure:
    names = [row.run for row in comparison.rows]
    panels = {
        METRIC_NAMES[name]: [
            (row.value(name, comparison.positive), row.interval(name, comparison.positive)) for row in comparison.rows
        ]
        for name in _PLOTTED
    }
    return interval_figure(names, panels, theme)


def _spoken_intervals(comparison: Comparison) -> str:
    said = (f"{row.run} {decimals(row.value('recall', comparison.positive))}" for row in comparison.rows)
    return f"Metrics of each run with 95% intervals. Recall: {'; '.join(said)}."


def _roc(comparison: Comparison) -> Embedded | None:
    """All runs' ROC curves of the positive class on the compared set."""
    k = comparison.classes.index(comparison.positive)
    found = (roc_curve_of(read_run(Path(row.folder)), comparison.set, k, row.run) for row in comparison.rows)
    curves: list[Curve] = [curve for curve in found if curve is not None]
    if not curves:
        return None
    draw = partial(roc_figure, curves, f"ROC, {SET_NAMES[comparison.set]} set")
    return embedded(draw, "ROC curves of " + ", ".join(curve.name for curve in curves) + ".")
