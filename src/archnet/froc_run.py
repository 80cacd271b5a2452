"""FROC of a run whose test set keeps all candidates: what it says as a submission, judged by LUNA16's lists."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from archnet.data import open_dataset
from archnet.data.luna16 import Luna16Dataset
from archnet.evaluation.froc import Froc, froc_of
from archnet.evaluation.froc_hits import Findings, Marks, Reference
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.run_folder import write_json, write_text
from archnet.froc_files import read_findings
from archnet.report.froc_figure import write_froc_figure
from archnet.spec.experiment import Experiment

ANNOTATIONS, EXCLUDED = "annotations.csv", "annotations_excluded.csv"
_POINT = ("seriesuid", "coordX", "coordY", "coordZ")


def write_run_froc(folder: Path, predictions: Predictions, experiment: Experiment) -> dict[str, Any]:
    """Writes the run folder's `froc`: submission and lists, as `archnet froc` reads them, and the curve.

    The scans are those of the test cases. LUNA16's lists are looked for beside the candidates.

    Args:
        folder: The run's.
        predictions: Of the cases.
        experiment: Says where the candidates come from, and how many bootstraps the intervals get.

    Returns:
        The part "froc" of metrics.json; empty where the test set is empty or has not all candidates of scans in
        LUNA16's layout, or where a list is missing, which is told.

    Raises:
        DataError: A list is damaged.
    """
    test = predictions.only("test")
    if not experiment.evaluation.keep_all_candidates or not len(test.cases):
        return {}
    dataset = open_dataset(experiment.data)
    if not isinstance(dataset, Luna16Dataset):
        return {}
    marks, root = _marks(dataset, test)
    _write_rows(folder / "froc/submission.csv", "probability", (marks.series, marks.points_mm, marks.scores))
    _write_series(folder / "froc/seriesuids.csv", marks)
    missing = [name for name in (ANNOTATIONS, EXCLUDED) if not (root / name).is_file()]
    if missing:
        logging.getLogger("archnet").warning(
            "no FROC: %s is not in %s. LUNA16 publishes it with its evaluation script; copy it there, or judge %s "
            "with `archnet froc`.",
            " and ".join(missing),
            root,
            folder / "froc/submission.csv",
        )
        return {}
    return {"froc": _judged(folder, marks, root, experiment.evaluation.bootstraps)}


def _marks(dataset: Luna16Dataset, test: Predictions) -> tuple[Marks, Path]:
    """What a network says of the test set's candidates, and the folder that holds their list."""
    row_of = {case: row for row, case in enumerate(dataset.cases.ids.tolist())}
    recipe = dataset.recipe(np.array([row_of[case] for case in test.cases.tolist()], np.int64))
    series = np.empty(len(test.cases), dtype=object)
    for scan, rows in zip(recipe.scans, recipe.rows, strict=True):
        series[rows] = scan.stem
    scan = recipe.scans[0]
    root = next(place for place in scan.parents if any(place.glob("candidates*.csv")))
    scores = test.probabilities[:, dataset.cases.positive]
    return Marks(series=series.tolist(), points_mm=recipe.points_mm, scores=scores), root


def _judged(folder: Path, marks: Marks, root: Path, bootstraps: int) -> dict[str, Any]:
    series = sorted(set(marks.series))
    nodules, excluded = (_of_series(read_findings(root / name), set(series)) for name in (ANNOTATIONS, EXCLUDED))
    for name, found in ((ANNOTATIONS, nodules), (EXCLUDED, excluded)):
        _write_rows(folder / "froc" / name, "diameter_mm", (found.series, found.points_mm, found.diameters_mm))
    result = froc_of(marks, Reference(series=series, nodules=nodules, excluded=excluded), bootstraps=bootstraps)
    if result.hits.num_nodules.any():
        write_json(folder / "froc/curve.json", _curve(result))
        write_froc_figure(folder / "figures/froc.png", {folder.resolve().name: result})
    return result.as_json()


def _curve(result: Froc) -> dict[str, Any]:
    """What the report draws; the band's ends stand at `BAND_RATES`."""
    return {
        "false_positives_per_scan": result.curve.false_positives_per_scan.tolist(),
        "sensitivity": result.curve.sensitivity.tolist(),
        "band": None if result.band is None else result.band.tolist(),
    }


def _of_series(findings: Findings, series: set[str]) -> Findings:
    rows = np.array([row for row, uid in enumerate(findings.series) if uid in series], np.int64)
    return replace(
        findings,
        series=[findings.series[row] for row in rows],
        points_mm=findings.points_mm[rows],
        diameters_mm=findings.diameters_mm[rows],
    )


def _write_series(path: Path, marks: Marks) -> None:
    write_text(path, "".join(f"{uid}\n" for uid in sorted(set(marks.series))))


def _write_rows(path: Path, last_column: str, columns: tuple[Sequence[str], Any, Any]) -> None:
    """A list in LUNA16's form: series, point and one number; the numbers read back to the very same floats."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_POINT, last_column])
    writer.writerows(_rows(*columns))
    write_text(path, text.getvalue())


def _rows(series: Sequence[str], points_mm: Any, numbers: Any) -> Iterable[tuple[Any, ...]]:
    for uid, point, number in zip(series, points_mm.tolist(), numbers.tolist(), strict=True):
        yield (uid, *map(repr, point), repr(number))
