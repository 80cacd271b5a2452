"""The report of a comparison: runs side by side on one self-contained page, and `comparison.json` next to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archnet.evaluation.comparison.comparison import Comparison, compare
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.confusion import class_report
from archnet.evaluation.froc.paired_froc import NetworkHits
from archnet.evaluation.integrity.verification import COMPARISON_PAGE_FILES, verify_run
from archnet.evaluation.run_folder import read_json, read_optional_json
from archnet.files.atomic import write_json
from archnet.report.comparison_wording import runs_text
from archnet.report.curves import EvaluationResult, all_curves
from archnet.report.figures.ranking import curve_drawing
from archnet.report.figures.svg import Drawing
from archnet.report.figures.theme import network_name
from archnet.report.html.cases.comparison_viewer import comparison_viewer
from archnet.report.html.comparison.comparison_drawings import metrics_drawing, paired_drawing
from archnet.report.html.comparison.comparison_tables import class_rows, cost_rows, metric_rows, pair_values
from archnet.report.html.comparison_cases import discordant_cases
from archnet.report.html.comparison_froc import froc_document, paired_froc
from archnet.report.html.froc_section import RunFroc, froc_by_diameter, froc_section, run_froc
from archnet.report.html.live import live_panel
from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.page import write_page
from archnet.report.paper.comparison.comparison_paper import comparison_paper
from archnet.report.sentences.comparison_document import comparison_document
from archnet.report.strata.strata_section import strata_section, write_strata_csv
from archnet.report.verdict.verdict_section import verdict_section
from archnet.report.wording import SET_NAMES, word_list
from archnet.spec.metrics import EVALUATED_METRICS, METRICS


def write_comparison(
    experiment_folder: Path,
    runs: Sequence[Path],
    pooled_froc: Callable[[Pool], list[RunFroc]] = lambda pool: [],
    pool_hits: Callable[[Pool], NetworkHits | None] = lambda pool: None,
) -> Path:
    """Compare several runs, and write `report.html` and `comparison.json` into their experiment's folder.

    Args:
        experiment_folder: The folder to write into.
        runs: Run folders, or experiments' folders.
        pooled_froc: See `write_comparison_page`.
        pool_hits: See `write_comparison_page`.

    Returns:
        The page written.

    Raises:
        RunError: There are fewer than two finished runs, or their classes, sets or cases differ.
        DataError: A file of a run folder is damaged, or has changed since the run finished.
    """
    return write_comparison_page(experiment_folder, compare(runs), pooled_froc, pool_hits)


def write_comparison_page(
    experiment_folder: Path,
    comparison: Comparison,
    pooled_froc: Callable[[Pool], list[RunFroc]],
    pool_hits: Callable[[Pool], NetworkHits | None],
) -> Path:
    """Write `report.html` and `comparison.json` of a comparison.

    Args:
        experiment_folder: The folder to write into.
        comparison: The comparison.
        pooled_froc: Evaluates pooled runs.
        pool_hits: Returns the hits of each seed's network in the test scans; None without FROC.

    Returns:
        The page written.

    Raises:
        DataError: A file of a run folder is damaged, or has changed since the run finished.
    """
    for folder in comparison.manifests:
        verify_run(folder, COMPARISON_PAGE_FILES)
    frocs = {
        pool.name: [replace(froc, hue=network_name(place)) for froc in _pool_frocs(row, pool, pooled_froc)]
        for place, (row, pool) in enumerate(_rows_and_pools(comparison))
    }
    paired = paired_froc(comparison.pools, pool_hits)
    write_json(experiment_folder / "comparison.json", comparison_document(comparison) | froc_document(frocs, paired))
    values = _template_values(experiment_folder, comparison)
    all_frocs = [froc for pool_frocs in frocs.values() for froc in pool_frocs]
    names = [row.run for row in comparison.rows]
    write_strata_csv(experiment_folder, comparison.strata, names)
    sections = {
        "froc": froc_section(all_frocs, paired.differences),
        "strata": strata_section(comparison.strata, names),
        "froc_by_diameter": froc_by_diameter(all_frocs, paired.by_diameter, reference=names[0]),
        "paper": comparison_paper(comparison, has_froc=bool(paired.differences)),
    }
    return write_page(experiment_folder / "report.html", "comparison.html", values | sections)


def _rows_and_pools(comparison: Comparison) -> list[tuple[ComparisonRow, Pool]]:
    return list(zip(comparison.rows, comparison.pools, strict=True))


def _pool_frocs(row: ComparisonRow, pool: Pool, pooled_froc: Callable[[Pool], list[RunFroc]]) -> list[RunFroc]:
    """The FROC of a single run; for several runs, that of all their test scans for each seed."""
    single_run = _read_single_run(row)
    return pooled_froc(pool) if single_run is None else run_froc(row.run, *single_run)


def _template_values(experiment_folder: Path, comparison: Comparison) -> dict[str, Any]:
    """The values of the template."""
    classes, section = comparison.classes, verdict_section(experiment_folder, comparison)
    is_binary = len(classes) == 2
    return {
        "title": section["origin"].title,
        "verdict": section,
        "comparison": comparison,
        "classes": classes,
        "positive": comparison.positive,
        "hues": {row.run: network_name(place) for place, row in enumerate(comparison.rows)},
        "links": [_links(experiment_folder, row) for row in comparison.rows],
        "run_texts": [runs_text(row) for row in comparison.rows],
        "metric_rows": metric_rows(comparison),
        "class_rows": class_rows(comparison),
        "whole_set_metrics": word_list(
            [METRICS[name].label for name in EVALUATED_METRICS if not METRICS[name].is_per_class]
        ),
        "cost_rows": cost_rows(comparison),
        "pairs": [pair_values(pair, len(classes)) for pair in comparison.pairs],
        "reports": [class_report(row.metrics["confusion_matrix"], classes) for row in comparison.rows],
        "differences": paired_drawing(comparison),
        "intervals": metrics_drawing(comparison),
        "plots": _plots(comparison),
        "live": live_panel(_results(comparison), classes.index(comparison.positive), by_false_positives=True)
        if is_binary
        else None,
        "cases": discordant_cases(comparison),
        "viewer": comparison_viewer(comparison),
        "networks": _network_drawings(comparison),
    }


def _links(experiment_folder: Path, row: ComparisonRow) -> list[tuple[str, str]]:
    """Name and relative address of the report of each run inside the experiment folder."""
    reports = [Path(folder).resolve() / "report.html" for folder in row.folders]
    root = experiment_folder.resolve()
    nested_reports = [report for report in reports if report.is_relative_to(root) and report.exists()]
    return [(report.parent.name, quote(report.relative_to(root).as_posix())) for report in nested_reports]


def _network_drawings(comparison: Comparison) -> list[tuple[str, dict[str, Any]]]:
    """Name and figure of each architecture whose runs record their layers."""
    summaries = {row.run: read_optional_json(Path(row.folders[0]) / "network.json") for row in comparison.rows}
    return [(name, network_drawing(summary)) for name, summary in summaries.items() if summary]


def _results(comparison: Comparison) -> list[EvaluationResult]:
    """The cases for the curves and the threshold slider."""
    return [
        EvaluationResult(
            name=row.run,
            predictions_by_seed=pool.predictions_by_seed,
            metrics=row.metrics,
            operating_points=_operating_points(row, comparison.set),
            hue=network_name(place),
        )
        for place, (row, pool) in enumerate(_rows_and_pools(comparison))
    ]


def _operating_points(row: ComparisonRow, set_name: str) -> dict[str, Any]:
    """The operating points of a single run; several runs have no common thresholds."""
    single_run = _read_single_run(row)
    points: dict[str, Any] = single_run[1][set_name].get("operating_points", {}) if single_run else {}
    return points


def _read_single_run(row: ComparisonRow) -> tuple[Path, dict[str, Any]] | None:
    """Folder and `metrics.json` of an architecture with a single run."""
    folder = Path(row.folders[0])
    return (folder, read_json(folder / "metrics.json")) if len(row.folders) == 1 else None


def _plots(comparison: Comparison) -> list[Drawing]:
    """ROC and precision-recall curves of each architecture: of the positive class, or the mean over several."""
    is_binary, suffix = len(comparison.classes) == 2, f", {SET_NAMES[comparison.set]} set"
    k = comparison.classes.index(comparison.positive) if is_binary else None
    curves_by_plot = all_curves([(result, k, result.name) for result in _results(comparison)])
    return [curve_drawing(plot, curves, plot.title + suffix) for plot, curves in curves_by_plot.items()]
