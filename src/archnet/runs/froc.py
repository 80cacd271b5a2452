"""FROC of a run whose test set contains all candidates: write a submission and evaluate it with LUNA16's lists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from archnet.data import open_dataset
from archnet.data.luna16 import Luna16Dataset
from archnet.errors import DataError
from archnet.evaluation.froc.hits import Findings, Marks
from archnet.evaluation.froc.lists import read_findings, read_marks
from archnet.evaluation.predictions import Predictions
from archnet.runs.froc_folder import (
    FINDING_LISTS,
    SUBMISSION,
    evaluate_submission,
    has_froc_lists,
    write_findings,
    write_froc_curve,
    write_series,
    write_submission,
)
from archnet.runs.log import log
from archnet.spec.experiment import Experiment


def write_run_froc(folder: Path, predictions: Predictions, experiment: Experiment) -> dict[str, Any]:
    """Write the folder `froc` of a run (submission, lists and curve) and evaluate it.

    The scans are those of the test cases. LUNA16's lists are expected next to the candidate list; a warning is logged
    if one is missing.

    Args:
        folder: The run folder.
        predictions: Predictions of all cases.
        experiment: The run's experiment, with its `evaluation` options.

    Returns:
        The entry "froc" of metrics.json; empty if the test set is empty or does not contain all candidates of scans in
        LUNA16's layout, or if a list is missing.

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
    write_submission(folder, marks)
    write_series(folder, marks.series)
    if not _are_lists_in(root, folder):
        return {}
    for name in FINDING_LISTS:
        write_findings(folder, name, _select_series(read_findings(root / name), set(marks.series)))
    return _write_curve(folder, experiment.evaluation.bootstraps)


def recompute_run_froc(folder: Path, predictions: Predictions, positive: int, bootstraps: int) -> dict[str, Any]:
    """Evaluate a run again with the lists in its folder and the probabilities of its predictions.

    Args:
        folder: The run folder.
        predictions: Predictions of all cases.
        positive: Index of the nodule class.
        bootstraps: Number of resamples of scans for the intervals.

    Returns:
        As `write_run_froc`; empty if the run has no FROC.

    Raises:
        DataError: A list is damaged, or the submission's rows are not the test cases.
    """
    if not has_froc_lists(folder):
        return {}
    marks, test = read_marks(folder / SUBMISSION), predictions.select("test")
    if list(marks.series) != [case.rpartition("#")[0] for case in test.cases.tolist()]:
        raise DataError(
            f"{folder / SUBMISSION}: its rows do not match the test cases of predictions.csv in order. Restore both "
            "files, or run the experiment again."
        )
    write_submission(folder, replace(marks, scores=test.probabilities[:, positive]))
    return _write_curve(folder, bootstraps)


def _write_curve(folder: Path, bootstraps: int) -> dict[str, Any]:
    result = evaluate_submission(folder, bootstraps)
    write_froc_curve(folder, result)
    return {"froc": result.to_document()}


def _test_marks(dataset: Luna16Dataset, test: Predictions) -> tuple[Marks, Path]:
    """The predictions of the test candidates as marks, and the folder that holds the candidate list."""
    row_of = {case: row for row, case in enumerate(dataset.cases.ids.tolist())}
    recipe = dataset.recipe(np.array([row_of[case] for case in test.cases.tolist()], np.int64))
    series = [case.rpartition("#")[0] for case in test.cases.tolist()]
    scan = recipe.scans[0]
    root = next(place for place in scan.parents if any(place.glob("candidates*.csv")))
    scores = test.probabilities[:, dataset.cases.positive]
    return Marks(series=series, points_mm=recipe.points_mm, scores=scores), root


def _are_lists_in(root: Path, folder: Path) -> bool:
    """Whether LUNA16's lists are next to the candidate list; warn about missing lists."""
    missing = [name for name in FINDING_LISTS if not (root / name).is_file()]
    if missing:
        log.warning(
            "no FROC: %s is not in %s. LUNA16 publishes it with its evaluation script; copy it there, or evaluate %s "
            "with `archnet froc`.",
            " and ".join(missing),
            root,
            folder / SUBMISSION,
        )
    return not missing


def _select_series(findings: Findings, series: set[str]) -> Findings:
    rows = np.array([row for row, uid in enumerate(findings.series) if uid in series], np.int64)
    return replace(
        findings,
        series=[findings.series[row] for row in rows],
        points_mm=findings.points_mm[rows],
        diameters_mm=findings.diameters_mm[rows],
    )
