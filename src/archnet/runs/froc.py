"""FROC of a run whose test set keeps all candidates: what it says as a submission, judged by LUNA16's lists."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from archnet.data import open_dataset
from archnet.data.luna16 import Luna16Dataset
from archnet.errors import DataError
from archnet.evaluation.froc.curve import Froc, compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.evaluation.froc.lists import read_findings, read_marks, read_series
from archnet.evaluation.pooling import Pool
from archnet.evaluation.predictions import Predictions
from archnet.files.atomic import write_json, write_text
from archnet.report.figures.froc import write_froc_figure
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.froc_section import RunFroc
from archnet.spec.experiment import Experiment

ANNOTATIONS, EXCLUDED = "annotations.csv", "annotations_excluded.csv"
SUBMISSION, SERIES = "froc/submission.csv", "froc/seriesuids.csv"
_FINDING_FILES = (f"froc/{ANNOTATIONS}", f"froc/{EXCLUDED}")
_POINT_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ")


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
    test = predictions.select("test")
    if not experiment.evaluation.keep_all_candidates or not len(test.cases):
        return {}
    dataset = open_dataset(experiment.data)
    if not isinstance(dataset, Luna16Dataset):
        return {}
    marks, root = _test_marks(dataset, test)
    _write_submission(folder, marks)
    _write_series(folder / SERIES, marks)
    missing = [name for name in (ANNOTATIONS, EXCLUDED) if not (root / name).is_file()]
    if missing:
        logging.getLogger("archnet").warning(
            "no FROC: %s is not in %s. LUNA16 publishes it with its evaluation script; copy it there, or judge %s "
            "with `archnet froc`.",
            " and ".join(missing),
            root,
            folder / SUBMISSION,
        )
        return {}
    _write_findings(folder, marks, root)
    return {"froc": _evaluate_submission(folder, experiment.evaluation.bootstraps)}


def recompute_run_froc(folder: Path, predictions: Predictions, positive: int, bootstraps: int) -> dict[str, Any]:
    """Judges a run once more by the lists in its folder, with the probabilities of its predictions.

    Args:
        folder: The run's.
        predictions: Of the cases.
        positive: Index of the class of nodules.
        bootstraps: Resamples behind the intervals.

    Returns:
        As `write_run_froc`; empty where the run has no FROC.

    Raises:
        DataError: A list is damaged, or the submission's rows are not the test cases.
    """
    if not _has_lists(folder):
        return {}
    marks, test = read_marks(folder / SUBMISSION), predictions.select("test")
    if list(marks.series) != [case.rpartition("#")[0] for case in test.cases.tolist()]:
        raise DataError(
            f"{folder / SUBMISSION}: its rows are not the test cases of predictions.csv in their order. Restore both "
            "files, or run the experiment again."
        )
    _write_submission(folder, replace(marks, scores=test.probabilities[:, positive]))
    return {"froc": _evaluate_submission(folder, bootstraps)}


def write_comparison_with_froc(place: Path, runs: Sequence[Path]) -> Path:
    """`write_comparison`, with the FROC of runs that are taken together."""
    return write_comparison(place, runs, partial(pool_froc, place))


def pool_froc(place: Path, pool: Pool) -> list[RunFroc]:
    """FROC of several runs together, where each kept all candidates of its test scans: one for each seed.

    The folds' submissions and lists are joined into `PLACE/together/NAME/froc`, as `archnet froc` reads them.

    Args:
        place: The experiment's folder.
        pool: Runs of one architecture.
    """
    if not all(_has_lists(folder) for folder in pool.folders):
        return []
    names = [f"{pool.name}, seed {seed}" if len(pool.seeds) > 1 else pool.name for seed in pool.seeds]
    return [
        _join_folds(place / "together" / name, pool.folders_by_seed[k], pool.bootstraps) for k, name in enumerate(names)
    ]


def _join_folds(pool_folder: Path, folders: Sequence[Path], bootstraps: int) -> RunFroc:
    """The FROC of a training's folds, whose submission and lists are written into a folder."""
    marks = [read_marks(folder / SUBMISSION) for folder in folders]
    points, scores = _concatenate_columns(marks, "points_mm", "scores")
    _write_submission(pool_folder, Marks(series=_concatenate_series(marks), points_mm=points, scores=scores))
    for name in _FINDING_FILES:
        parts = [read_findings(folder / name) for folder in folders]
        points, sizes = _concatenate_columns(parts, "points_mm", "diameters_mm")
        _write_rows(pool_folder / name, "diameter_mm", (_concatenate_series(parts), points, sizes))
    series = {uid for folder in folders for uid in read_series(folder / SERIES)}
    write_text(pool_folder / SERIES, "".join(f"{uid}\n" for uid in sorted(series)))
    return RunFroc(name=pool_folder.name, folder=pool_folder, results=_evaluate_submission(pool_folder, bootstraps))


def _concatenate_series(parts: Sequence[Marks] | Sequence[Findings]) -> list[str]:
    return [uid for part in parts for uid in part.series]


def _concatenate_columns(parts: Sequence[Marks] | Sequence[Findings], *names: str) -> list[Any]:
    return [np.concatenate([getattr(part, name) for part in parts]) for name in names]


def _has_lists(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (SUBMISSION, SERIES, *_FINDING_FILES))


def _test_marks(dataset: Luna16Dataset, test: Predictions) -> tuple[Marks, Path]:
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


def _evaluate_submission(folder: Path, bootstraps: int) -> dict[str, Any]:
    """What the submission in a run folder comes to by the lists beside it."""
    nodules, excluded = (read_findings(folder / name) for name in _FINDING_FILES)
    reference = ReferenceStandard(series=read_series(folder / SERIES), nodules=nodules, excluded=excluded)
    result = compute_froc(read_marks(folder / SUBMISSION), reference, bootstraps=bootstraps)
    if result.hits.num_nodules.any():
        write_json(folder / "froc/curve.json", _curve_document(result))
        write_froc_figure(folder / "figures/froc.png", {folder.resolve().name: result})
    return result.as_json()


def _curve_document(result: Froc) -> dict[str, Any]:
    """What the report draws; the band's ends stand at `BAND_RATES`."""
    return {
        "false_positives_per_scan": result.curve.false_positives_per_scan.tolist(),
        "sensitivity": result.curve.sensitivity.tolist(),
        "band": None if result.band is None else result.band.tolist(),
    }


def _select_series(findings: Findings, series: set[str]) -> Findings:
    rows = np.array([row for row, uid in enumerate(findings.series) if uid in series], np.int64)
    return replace(
        findings,
        series=[findings.series[row] for row in rows],
        points_mm=findings.points_mm[rows],
        diameters_mm=findings.diameters_mm[rows],
    )


def _write_submission(folder: Path, marks: Marks) -> None:
    _write_rows(folder / SUBMISSION, "probability", (marks.series, marks.points_mm, marks.scores))


def _write_findings(folder: Path, marks: Marks, root: Path) -> None:
    """The rows of LUNA16's lists that are of the marks' series."""
    for name, place in zip((ANNOTATIONS, EXCLUDED), _FINDING_FILES, strict=True):
        findings = _select_series(read_findings(root / name), set(marks.series))
        _write_rows(folder / place, "diameter_mm", (findings.series, findings.points_mm, findings.diameters_mm))


def _write_series(path: Path, marks: Marks) -> None:
    write_text(path, "".join(f"{uid}\n" for uid in sorted(set(marks.series))))


def _write_rows(path: Path, last_column: str, columns: tuple[Sequence[str], Any, Any]) -> None:
    """A list in LUNA16's form: series, point and one number; the numbers read back to the very same floats."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_POINT_COLUMNS, last_column])
    writer.writerows(_rows(*columns))
    write_text(path, text.getvalue())


def _rows(series: Sequence[str], points_mm: Any, numbers: Any) -> Iterable[tuple[Any, ...]]:
    for uid, point, number in zip(series, points_mm.tolist(), numbers.tolist(), strict=True):
        yield (uid, *map(repr, point), repr(number))
