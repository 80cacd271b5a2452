"""Prepare the data of an experiment: split, check, resolve "auto", and extract crops."""

from archnet.runs.preparation.auto_values import (
    resolve_auto_from_data,
    resolve_auto_split,
    resolve_measured_values,
)
from archnet.runs.preparation.case_crops import check_all_lists, cut_cases, join_findings, prepare
from archnet.runs.preparation.case_split import CaseSplit, make_preview_splits, make_splits, split_cases
from archnet.runs.preparation.experiment_findings import find_in_experiment
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.runs.preparation.selection_metric import check_selection_metrics, selection_metrics

__all__ = [
    "CaseSplit",
    "PreparedData",
    "check_all_lists",
    "check_selection_metrics",
    "cut_cases",
    "find_in_experiment",
    "join_findings",
    "make_preview_splits",
    "make_splits",
    "prepare",
    "resolve_auto_from_data",
    "resolve_auto_split",
    "resolve_measured_values",
    "selection_metrics",
    "split_cases",
]
