"""The data of an experiment: split, checked, "auto" resolved, and cut into crops."""

from archnet.runs.preparation.auto_values import resolve_auto_from_data
from archnet.runs.preparation.case_crops import check_all_lists, cut_cases, join_findings, prepare
from archnet.runs.preparation.case_split import CaseSplit, make_preview_splits, make_splits, split_cases
from archnet.runs.preparation.prepared_data import PreparedData

__all__ = [
    "CaseSplit",
    "PreparedData",
    "check_all_lists",
    "cut_cases",
    "join_findings",
    "make_preview_splits",
    "make_splits",
    "prepare",
    "resolve_auto_from_data",
    "split_cases",
]
