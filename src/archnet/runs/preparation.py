"""The data of an experiment: "auto" resolved, checked against the network, split, and cut into crops."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, stop_on_errors
from archnet.data.dataset import Cases, Crops, Dataset, UnreadableScan
from archnet.data.scan_ranges import ScanRanges, measure_scan_ranges
from archnet.data.split import keep_rows, make_split
from archnet.errors import DataError, RunError, pluralize
from archnet.files.progress import Progress, no_progress
from archnet.runs.micro_batch import choose_micro_batch
from archnet.spec.arch import PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.auto import refresh_reasons, resolve_auto
from archnet.spec.auto_rules import TrainingSet
from archnet.spec.experiment import Experiment, Split
from archnet.spec.view import input_shape, network_input

_MAX_REASONS: Final = 3
"""Unreadable scans whose reasons a finding states."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedData:
    """The cases of one split and their arrays; all runs on this split share them.

    Attributes:
        cases: The cases that remain after negatives are drawn.
        sets: (N,) "train", "validation" or "test".
        values: (M, height, width[, depth]) raw values of the cases of all splits; may be memory-mapped.
        rows: (N,) row of each case in `values`.
        limits: Raw values that become 0 and 1.
        findings: What the data checks found.
        lost_scans: Scans that could not be read; their cases are missing.
        scan_ranges: Ranges of spacing, size and intensity of the scans of all sets; null where there are no scans.
    """

    cases: Cases
    sets: NDArray[np.str_]
    values: NDArray[Any]
    rows: NDArray[np.int64]
    limits: tuple[float, float]
    findings: tuple[Finding, ...] = ()
    lost_scans: tuple[UnreadableScan, ...] = ()
    scan_ranges: ScanRanges | None = None

    def to_document(self) -> dict[str, Any]:
        """The content of data.json: findings, missing scans, and the ranges of the others."""
        return {
            "findings": [finding.to_document() for finding in self.findings],
            "lost": [asdict(scan) for scan in self.lost_scans],
            "scans": self.scan_ranges and self.scan_ranges.to_document(),
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one case."""
        return self.values.shape[1:]

    def network_input(self, experiment: Experiment) -> NDArray[Any]:
        """The part of `values` that a network sees, a NumPy view of shape (M, *input_shape)."""
        return network_input(self.values, experiment)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseSplit:
    """The cases of a data set under one split.

    Attributes:
        sets: (N,) "train", "validation" or "test" for every case of the data set.
        rows: The rows that are used, ascending.
    """

    sets: NDArray[np.str_]
    rows: NDArray[np.int64]


def split_cases(cases: Cases, experiment: Experiment) -> CaseSplit:
    """Split the cases and draw the negatives; `keep_all_candidates` keeps those of the test set.

    Raises:
        DataError: The sets cannot be filled.
    """
    sets = make_split(cases, experiment.split)
    full_sets = {"test"} if experiment.evaluation.keep_all_candidates else set()
    return CaseSplit(sets=sets, rows=keep_rows(cases, sets, experiment.data, experiment.split, full_sets))


def make_splits(cases: Cases, experiments: Sequence[Experiment]) -> dict[Split, CaseSplit]:
    """Make each split of some experiments once.

    Raises:
        DataError: The sets cannot be filled.
    """
    one_of_each = {experiment.split: experiment for experiment in experiments}
    return {split: split_cases(cases, experiment) for split, experiment in one_of_each.items()}


def resolve_auto_from_data(experiment: Experiment, dataset: Dataset, split: CaseSplit | None = None) -> Experiment:
    """Choose the "auto" values of an experiment from its training set, before anything is cut.

    Values that a resolved document says were chosen automatically are kept; a warning is logged where the choice would
    differ now.

    Args:
        experiment: With one split or fold.
        dataset: The data.
        split: The experiment's split; null makes it if it is needed.

    Raises:
        DataError: The sets cannot be filled.
    """
    if not experiment.training.auto and not experiment.auto_reasons:
        return experiment
    cases = dataset.cases
    split = split or split_cases(cases, experiment)
    is_training = split.sets[split.rows] == "train"
    counts = np.bincount(cases.labels[split.rows[is_training]], minlength=len(cases.classes))
    known = TrainingSet(counts=tuple(counts.tolist()), shape=tuple(dataset.shape), positive=cases.positive)
    experiment_with_reasons = refresh_reasons(experiment, known)
    outdated = [key for key in experiment.auto_reasons if key not in experiment_with_reasons.auto_reasons]
    if outdated:
        logging.getLogger("archnet.auto").warning(
            'kept, although "auto" would now choose different values: %s. Set them to "auto" to choose again.',
            ", ".join(outdated),
        )
    return resolve_auto(experiment_with_reasons, known)


def prepare(
    dataset: Dataset,
    experiments: Sequence[Experiment],
    progress: Progress = no_progress,
    *,
    splits: Mapping[Split, CaseSplit] | None = None,
    strict: bool = False,
) -> list[PreparedData]:
    """Split the cases of a data set and cut their crops; experiments with the same split share the result.

    Args:
        dataset: The data set that the experiments have in common.
        experiments: They may differ in their split.
        progress: Wraps what takes long.
        splits: Of `make_splits` for these experiments; null makes them.
        strict: Fail if a scan cannot be read.

    Returns:
        The data of each experiment.

    Raises:
        ArchnetError: The data are damaged, or a set has too few cases.
    """
    stop_on_errors(dataset.findings, experiments[0].data.allow)
    splits = splits or make_splits(dataset.cases, experiments)
    for options, split in splits.items():
        check_training_set(dataset.cases.select(split.rows), split.sets[split.rows], options)
    used = np.unique(np.concatenate([split.rows for split in splits.values()]))
    crops = dataset.crops(used, progress)
    if strict:
        _check_scans_read(crops)
    ranges = _measure_scan_ranges(dataset, crops, progress)
    prepared = {
        options: replace(_select_split(dataset, split, used, crops), scan_ranges=ranges)
        for options, split in splits.items()
    }
    for options, data in prepared.items():
        check_training_set(data.cases, data.sets, options)
    return [prepared[experiment.split] for experiment in experiments]


def _check_scans_read(crops: Crops) -> None:
    """Check that every scan could be read.

    Raises:
        DataError: One could not; the message has a line for each.
    """
    if crops.unreadable_scans:
        raise DataError(
            "\n".join(f"{lost.reason} It has {pluralize(lost.num_cases, 'case')}." for lost in crops.unreadable_scans)
        )


def _select_split(dataset: Dataset, split: CaseSplit, used: NDArray[np.int64], crops: Crops) -> PreparedData:
    """The cases of one split that could be cut."""
    places = np.searchsorted(used, split.rows)
    is_there = crops.is_there[places]
    available_rows = split.rows[is_there]
    return PreparedData(
        cases=dataset.cases.select(available_rows),
        sets=split.sets[available_rows],
        values=crops.values,
        rows=places[is_there],
        limits=dataset.limits,
        findings=(*dataset.findings, *_find_lost_scans(crops.unreadable_scans, len(split.rows), len(available_rows))),
        lost_scans=crops.unreadable_scans,
    )


def _measure_scan_ranges(dataset: Dataset, crops: Crops, progress: Progress) -> ScanRanges | None:
    """The ranges of the scans that could be read; null where there are none."""
    cases = crops.values[crops.is_there] if crops.unreadable_scans else crops.values
    return measure_scan_ranges(crops.scans, cases, dataset.limits, progress) if crops.scans else None


def _find_lost_scans(lost: tuple[UnreadableScan, ...], num_wanted: int, num_kept: int) -> tuple[Finding, ...]:
    if not lost:
        return ()
    examples = [f"{scan.reason} It has {pluralize(scan.num_cases, 'case')}." for scan in lost[:_MAX_REASONS]]
    others = [f"{len(lost) - _MAX_REASONS:,} more are listed in data.json."] if len(lost) > _MAX_REASONS else []
    scans, num_lost = pluralize(len(lost), "scan"), num_wanted - num_kept
    total = f"{scans} could not be read: {num_lost:,} of {num_wanted:,} cases are missing."
    return (
        Finding(
            check="unreadable_scans",
            severity="warning",
            message=" ".join([total, *examples, *others]),
            cases=tuple(scan.scan for scan in lost),
            remedy="Repair or remove the damaged files, or use --strict to make this an error.",
        ),
    )


def plan_network(experiment: Experiment, dataset: Dataset) -> tuple[PlannedLayer, ...]:
    """Plan the network's layers on a data set.

    Raises:
        ArchnetError: The architecture does not fit the data.
    """
    return experiment.arch.plan(input_shape(experiment, dataset.shape), len(dataset.cases.classes))


def check_feasible(experiment: Experiment, plan: tuple[PlannedLayer, ...], dataset: Dataset) -> None:
    """Check that the augmentation and the memory suit the data and the network, before anything is cropped.

    Args:
        experiment: With "auto" resolved.
        plan: Of `plan_network`.
        dataset: The data.

    Raises:
        RunError: They do not.
    """
    problem = shape_problem(experiment.training.augmentation, dataset.shape)
    if problem:
        raise RunError(f"training.augmentation: {problem}")
    if experiment.training.memory is not None:
        choose_micro_batch(experiment, plan)


def check_training_set(cases: Cases, sets: NDArray[np.str_], split: Split) -> None:
    """Check that the training set has cases of every class.

    Raises:
        RunError: The training set lacks a class.
    """
    is_training = sets == "train"
    present = np.unique(cases.labels[is_training])
    if present.size < len(cases.classes):
        is_own = split.by == "own"
        lower = "Use fewer folds" if split.folds else "Lower split.test and split.validation"
        remedy = "Use split.by=group." if is_own else f"{lower}, or add data."
        missing = ", ".join(name for label, name in enumerate(cases.classes) if label not in present)
        raise RunError(
            f"the training set has no case of {missing}: {np.count_nonzero(is_training)} of {len(cases.ids)} cases "
            f"are in it. {remedy}"
        )
