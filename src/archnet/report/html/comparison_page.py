"""The report of a comparison: runs side by side on one self-contained page, and `comparison.json` beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from archnet.evaluation.comparison import Comparison, Paired, compare
from archnet.evaluation.comparison_rows import Row, of_class
from archnet.evaluation.confusion import class_report
from archnet.evaluation.metrics import METRICS
from archnet.evaluation.pooling import Pool
from archnet.evaluation.run_folder import optional_json, read_json
from archnet.files.atomic import write_json
from archnet.report.comparison_wording import (
    DIFFERENCE_NAMES,
    comparison_cautions,
    comparison_document,
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
from archnet.report.curves import Judged, all_curves
from archnet.report.figures.curve import curve_figure
from archnet.report.figures.paired import difference_figure
from archnet.report.figures.run_figures import interval_figure
from archnet.report.html.comparison_cases import differing_cases
from archnet.report.html.froc_section import RunFroc, froc_section, run_froc
from archnet.report.html.live import live_panel
from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.page import Embedded, embedded, write_page
from archnet.report.wording import METRIC_NAMES, SET_NAMES, count, decimals, duration, memory, short_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from archnet.report.figures.theme import Theme

_PLOTTED = ("recall", "precision", "mcc", "auc")
_COSTS = {
    "parameters": ("parameters", count),
    "macs": ("multiply-adds per case", short_count),
    "peak_memory_bytes": ("peak memory", memory),
    "train_seconds": ("training time", duration),
}


def write_comparison(
    experiment_folder: Path, runs: Sequence[Path], pooled_froc: Callable[[Pool], list[RunFroc]] = lambda pool: []
) -> Path:
    """Write `report.html` and `comparison.json` of several runs into their experiment's folder.

    Args:
        experiment_folder: Where to.
        runs: Run folders, or experiments' folders.
        pooled_froc: Judges runs that are taken together.

    Returns:
        The page written.

    Raises:
        RunError: There are fewer than two finished runs, or they have not the same classes, set and cases.
        DataError: A file of a run folder is damaged.
    """
    comparison = compare(runs)
    frocs = {pool.name: _frocs(row, pool, pooled_froc) for row, pool in _rows_and_pools(comparison)}
    write_json(experiment_folder / "comparison.json", comparison_document(comparison) | _froc_document(frocs))
    values = _values(experiment_folder, comparison)
    froc = froc_section([froc for found in frocs.values() for froc in found])
    return write_page(experiment_folder / "report.html", "comparison.html", {**values, "froc": froc})


def _rows_and_pools(comparison: Comparison) -> list[tuple[Row, Pool]]:
    return list(zip(comparison.rows, comparison.pools, strict=True))


def _frocs(row: Row, pool: Pool, pooled_froc: Callable[[Pool], list[RunFroc]]) -> list[RunFroc]:
    """A single run's own FROC; of several runs that of all their test scans, for each seed."""
    alone = _of_one_run(row)
    return pooled_froc(pool) if alone is None else run_froc(row.run, *alone)


def _froc_document(frocs: Mapping[str, Sequence[RunFroc]]) -> dict[str, Any]:
    """FROC by architecture: of each seed, and the mean and standard deviation of the CPM over them."""
    found = {name: [froc.found for froc in several] for name, several in frocs.items() if several}
    return {"froc": {name: _over_seeds(several) for name, several in found.items()}} if found else {}


def _over_seeds(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = [one["cpm"] for one in found if one["cpm"] is not None]
    return {
        "cpm": mean(known) if known else None,
        "spread": stdev(known) if len(known) > 1 else None,
        "of_seeds": [dict(one) for one in found],
    }


def _values(experiment_folder: Path, comparison: Comparison) -> dict[str, Any]:
    """What the template is filled with."""
    classes = comparison.classes
    binary = len(classes) == 2
    return {
        "title": experiment_folder.resolve().name,
        "headline": comparison_sentence(comparison),
        "cautions": comparison_cautions(comparison),
        "comparison": comparison,
        "classes": classes,
        "positive": comparison.positive,
        "links": [_links(experiment_folder, row) for row in comparison.rows],
        "pooled": [pooled_text(row) for row in comparison.rows],
        "metric_rows": _metric_rows(comparison),
        "cost_rows": _cost_rows(comparison),
        "pairs": [_pair_values(pair) for pair in comparison.paired],
        "reports": [class_report(row.metrics["confusion_matrix"], classes) for row in comparison.rows],
        "differences": _differences(comparison),
        "intervals": embedded(partial(_intervals, comparison), _spoken_intervals(comparison)),
        "live": live_panel(_judged(comparison), classes.index(comparison.positive), by_alarms=True) if binary else None,
        "class_curves": [] if binary else _class_curves(comparison),
        "cases": differing_cases(comparison),
        "networks": _networks(comparison),
    }


def _links(experiment_folder: Path, row: Row) -> list[tuple[str, str]]:
    """Name and relative address of each run's own report, of those inside the experiment's folder."""
    reports = [Path(folder).resolve() / "report.html" for folder in row.folders]
    home = experiment_folder.resolve()
    inside = [report for report in reports if report.is_relative_to(home) and report.exists()]
    return [(report.parent.name, quote(report.relative_to(home).as_posix())) for report in inside]


def _networks(comparison: Comparison) -> list[tuple[str, dict[str, Any]]]:
    """Name and drawing of each architecture, of those whose runs have kept their layers."""
    kept = {row.run: optional_json(Path(row.folders[0]) / "network.json") for row in comparison.rows}
    return [(name, network_drawing(summary)) for name, summary in kept.items() if summary]


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


def _judged(comparison: Comparison) -> list[Judged]:
    """What the curves and the threshold slider are about."""
    return [
        Judged(name=row.run, trainings=pool.trainings, metrics=row.metrics, points=_points(row, comparison.set))
        for row, pool in _rows_and_pools(comparison)
    ]


def _points(row: Row, set_name: str) -> dict[str, Any]:
    """A single run's operating points; several runs have chosen their thresholds each by itself."""
    found = _of_one_run(row)
    points: dict[str, Any] = found[1][set_name].get("operating_points", {}) if found else {}
    return points


def _of_one_run(row: Row) -> tuple[Path, dict[str, Any]] | None:
    """Folder and `metrics.json` of an architecture with a single run."""
    folder = Path(row.folders[0])
    return (folder, read_json(folder / "metrics.json")) if len(row.folders) == 1 else None


def _class_curves(comparison: Comparison) -> list[Embedded]:
    """The curves of the positive one of more than two classes, of each architecture."""
    k, where = comparison.classes.index(comparison.positive), f", {SET_NAMES[comparison.set]} set"
    found = all_curves([(judged, k, judged.name) for judged in _judged(comparison)])
    return [
        embedded(
            partial(curve_figure, plot, curves, plot.title + where),
            f"{plot.title} of {', '.join(curve.name for curve in curves)}.",
        )
        for plot, curves in found.items()
    ]
