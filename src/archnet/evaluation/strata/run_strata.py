"""The strata of one run, for metrics.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archnet.evaluation.predictions import Predictions
from archnet.evaluation.strata.case_columns import read_case_columns, select_cases
from archnet.evaluation.strata.stratification import Stratification, stratify
from archnet.evaluation.strata.stratum_results import JudgedCases, judge_cases, stratum_results, stratum_size
from archnet.spec.experiment import SETS


def strata_entry(folder: Path, predictions: Predictions, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The entry "strata" of metrics.json: results for each stratum of every attribute in the folder's cases.csv.

    Args:
        folder: The run folder.
        predictions: Predictions of all cases.
        metrics: The run's metrics, with the positive class and the threshold.

    Returns:
        The entry for the test set; without one, for the validation set or else the training set. Empty if no attribute
        has two strata.

    Raises:
        DataError: cases.csv is damaged.
    """
    columns = read_case_columns(folder)
    name = next((one for one in reversed(SETS) if one in metrics), None)
    if not columns or name is None:
        return {}
    part, positive = predictions.select(name), predictions.classes.index(metrics["positive"])
    cases = judge_cases([part], positive=positive, thresholds=[metrics[name]["threshold"]])
    entries = [_column_entry(cases, one) for one in stratifications(columns, part, cases)]
    return {"strata": {"set": name, "measure": cases.measure, "columns": entries}} if entries else {}


def stratifications(
    columns: Mapping[str, Mapping[str, str]], predictions: Predictions, cases: JudgedCases
) -> Iterator[Stratification]:
    """The attributes that have two strata or more.

    Args:
        columns: Result of `read_case_columns`.
        predictions: The cases.
        cases: The same.
    """
    for name, values in columns.items():
        stratification = stratify(name, select_cases(values, predictions.cases), cases.is_positive)
        if stratification is not None:
            yield stratification


def _column_entry(cases: JudgedCases, stratification: Stratification) -> dict[str, Any]:
    return {
        "name": stratification.name,
        "is_of_positives": stratification.is_of_positives,
        "strata": [
            {**stratum_size(cases, stratum), "networks": [stratum_results(cases, stratification, stratum)]}
            for stratum in stratification.strata
        ],
    }
