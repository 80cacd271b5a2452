"""Split the cases of a data set into sets, and sample the negatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.data.checks.own_sets import find_own_sets
from archnet.data.dataset import Cases
from archnet.data.split import keep_rows, make_split, resolve_split
from archnet.errors import ArchnetError, RunError
from archnet.spec.experiment import Experiment, Split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseSplit:
    """The cases of a data set under one split.

    Attributes:
        sets: Set of every case, "train", "validation" or "test", shape (N,).
        rows: The rows in use, in ascending order.
        findings: Findings about the predefined sets of the data set.
    """

    sets: NDArray[np.str_]
    rows: NDArray[np.int64]
    findings: tuple[Finding, ...] = ()


def split_cases(cases: Cases, experiment: Experiment) -> CaseSplit:
    """Split the cases and draw the negatives; `keep_all_candidates` keeps those of the test set.

    Raises:
        DataError: The sets cannot be filled.
    """
    split, _ = resolve_split(cases, experiment.split)
    sets = make_split(cases, split)
    full_sets = {"test"} if experiment.evaluation.keep_all_candidates else set()
    return CaseSplit(
        sets=sets,
        rows=keep_rows(cases, sets, experiment.data, split, full_sets),
        findings=find_own_sets(cases.own_sets, cases.labels, cases.classes, split.by),
    )


def make_splits(cases: Cases, experiments: Sequence[Experiment]) -> dict[Split, CaseSplit]:
    """Compute each distinct split of some experiments once.

    Raises:
        DataError: The sets cannot be filled.
    """
    one_of_each = {experiment.split: experiment for experiment in experiments}
    return {split: split_cases(cases, experiment) for split, experiment in one_of_each.items()}


def make_preview_splits(cases: Cases, experiments: Sequence[Experiment]) -> tuple[dict[Split, CaseSplit], str | None]:
    """Compute each distinct split of some experiments, for inspection or extraction of crops.

    Returns:
        The splits, and None; if the cases cannot be split, all cases in the training set, and the reason.

    Raises:
        DataError: The data do not have the requested sets or folds.
    """
    try:
        splits = make_splits(cases, experiments)
        for options, split in splits.items():
            check_training_set(cases.select(split.rows), split.sets[split.rows], options)
    except ArchnetError as error:
        if not {experiment.split.by for experiment in experiments} <= {"auto", "group", "candidate"}:
            raise
        sets = np.full(len(cases.ids), "train")
        undivided = Split(test=0.0, validation=0.0, seed=experiments[0].split.seed)
        whole = CaseSplit(sets=sets, rows=keep_rows(cases, sets, experiments[0].data, undivided))
        return {experiment.split: whole for experiment in experiments}, str(error)
    return splits, None


def check_training_set(cases: Cases, sets: NDArray[np.str_], split: Split) -> None:
    """Check that the training set has cases of every class.

    Raises:
        RunError: The training set lacks a class.
    """
    is_training = sets == "train"
    present = np.unique(cases.labels[is_training & cases.has_label])
    if present.size < len(cases.classes):
        is_own = resolve_split(cases, split)[0].by in ("own", "own_test")
        lower = "Use fewer folds" if split.folds else "Lower split.test and split.validation"
        remedy = "Use split.by=group." if is_own else f"{lower}, or add data."
        missing = ", ".join(name for label, name in enumerate(cases.classes) if label not in present)
        raise RunError(
            f"the training set has no case of {missing}: {np.count_nonzero(is_training)} of {len(cases.ids)} cases "
            f"are in it. {remedy}"
        )
