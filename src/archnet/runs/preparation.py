"""The data of an experiment, divided and cut, and what a network sees of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases, Crops, Dataset, UnreadableScan
from archnet.data.scan_ranges import ScanRanges, measure_scan_ranges
from archnet.data.split import keep_rows, make_split
from archnet.errors import DataError, RunError, pluralize
from archnet.files.progress import Progress, silent
from archnet.runs.micro_batch import choose_micro_batch
from archnet.spec.arch import PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.auto import TrainingSet, refresh_reasons, resolve_auto
from archnet.spec.experiment import Experiment, Split
from archnet.spec.view import input_shape, network_input


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedData:
    """The cases of one split and their arrays; all runs on this split share them.

    Attributes:
        cases: The cases that are left after the draw of negatives.
        sets: (N,) "train", "validation" or "test".
        values: (M, height, width[, depth]) raw values of all splits' cases; may be memory-mapped.
        rows: (N,) where each case stands in `values`.
        limits: Raw values that become 0 and 1.
        notes: What a reader of the results should know about the data.
        lost_scans: Scans that could not be read; their cases are missing.
        scan_ranges: What the scans look like that the cases of all sets lie in; null where they lie in none.
    """

    cases: Cases
    sets: NDArray[np.str_]
    values: NDArray[Any]
    rows: NDArray[np.int64]
    limits: tuple[float, float]
    notes: tuple[str, ...] = ()
    lost_scans: tuple[UnreadableScan, ...] = ()
    scan_ranges: ScanRanges | None = None

    def to_document(self) -> dict[str, Any]:
        """What a run folder keeps of the data, JSON-ready: notes, scans that are missing, and what the others are."""
        return {
            "notes": list(self.notes),
            "lost": [asdict(scan) for scan in self.lost_scans],
            "scans": self.scan_ranges and self.scan_ranges.to_document(),
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one case."""
        return self.values.shape[1:]

    def network_input(self, experiment: Experiment) -> NDArray[Any]:
        """The part of `values` that a network sees, a view of shape (M, *input_shape)."""
        return network_input(self.values, experiment)


def resolve_auto_from_data(experiment: Experiment, dataset: Dataset) -> Experiment:
    """The experiment with what it leaves to the data picked from its training set, before anything is cut.

    What a document says was picked keeps its value, with a warning where it would now be another.

    Raises:
        DataError: The sets cannot be filled.
    """
    if not experiment.training.auto and not experiment.auto_reasons:
        return experiment
    cases = dataset.cases
    sets = make_split(cases, experiment.split)
    rows = kept_rows(cases, sets, experiment)
    counts = np.bincount(cases.labels[rows[sets[rows] == "train"]], minlength=len(cases.classes))
    known = TrainingSet(counts=tuple(counts.tolist()), shape=tuple(dataset.shape), positive=cases.positive)
    experiment_with_reasons = refresh_reasons(experiment, known)
    outdated = [key for key in experiment.auto_reasons if key not in experiment_with_reasons.auto_reasons]
    if outdated:
        logging.getLogger("archnet.picks").warning(
            'kept, though other values would be picked here: %s. Set them to "auto" to have them picked again.',
            ", ".join(outdated),
        )
    return resolve_auto(experiment_with_reasons, known)


def prepare(
    dataset: Dataset, experiments: Sequence[Experiment], progress: Progress = silent, *, strict: bool = False
) -> list[PreparedData]:
    """Divides and cuts the cases of a data set; every case is cut once, in however many splits it stands.

    Args:
        dataset: Of the experiments' common `data`.
        experiments: They may differ in their split.
        progress: Wraps what takes long.
        strict: A scan that cannot be read is an error.

    Returns:
        For each experiment its data.

    Raises:
        ArchnetError: The data are damaged, or a set has too few cases.
    """
    split_rows: dict[Split, tuple[NDArray[np.str_], NDArray[np.int64]]] = {}
    for experiment in experiments:
        sets = make_split(dataset.cases, experiment.split)
        rows = kept_rows(dataset.cases, sets, experiment)
        check_training_set(dataset.cases.select(rows), sets[rows], experiment)
        split_rows[experiment.split] = (sets, rows)
    used = np.unique(np.concatenate([rows for _, rows in split_rows.values()]))
    crops = dataset.crops(used, progress)
    if strict and crops.unreadable_scans:
        raise DataError(
            "\n".join(f"{lost.reason} It has {pluralize(lost.num_cases, 'case')}." for lost in crops.unreadable_scans)
        )
    prepared = {split: _select_split(dataset, sets, rows, used, crops) for split, (sets, rows) in split_rows.items()}
    ranges = _measure_scan_ranges(dataset, used, crops, progress)
    prepared = {split: replace(data, scan_ranges=ranges) for split, data in prepared.items()}
    for experiment in experiments:
        data = prepared[experiment.split]
        check_training_set(data.cases, data.sets, experiment)
    return [prepared[experiment.split] for experiment in experiments]


def kept_rows(cases: Cases, sets: NDArray[np.str_], experiment: Experiment) -> NDArray[np.int64]:
    """The rows that an experiment uses, ascending; its test set keeps all candidates where that is asked for."""
    keep_all = {"test"} if experiment.evaluation.keep_all_candidates else set()
    return keep_rows(cases, sets, experiment.data, experiment.split, keep_all)


def _select_split(
    dataset: Dataset, sets: NDArray[np.str_], rows: NDArray[np.int64], used: NDArray[np.int64], crops: Crops
) -> PreparedData:
    """The cases of one split that could be cut."""
    places = np.searchsorted(used, rows)
    is_there = crops.is_there[places]
    available_rows = rows[is_there]
    return PreparedData(
        cases=dataset.cases.select(available_rows),
        sets=sets[available_rows],
        values=crops.values,
        rows=places[is_there],
        limits=dataset.limits,
        notes=(*dataset.notes, *_lost_notes(crops.unreadable_scans, len(rows), len(available_rows))),
        lost_scans=crops.unreadable_scans,
    )


def _measure_scan_ranges(
    dataset: Dataset, used: NDArray[np.int64], crops: Crops, progress: Progress
) -> ScanRanges | None:
    """What the scans that could be read look like."""
    scans = dataset.scans(used[crops.is_there])
    cases = crops.values[crops.is_there] if crops.unreadable_scans else crops.values
    return measure_scan_ranges(scans, cases, dataset.limits, progress) if scans else None


def _lost_notes(lost: tuple[UnreadableScan, ...], num_wanted: int, num_kept: int) -> tuple[str, ...]:
    if not lost:
        return ()
    total = (
        f"{pluralize(len(lost), 'scan')} could not be read: {num_wanted - num_kept:,} of {num_wanted:,} cases are "
        "missing. Mend or remove what is damaged, or use --strict to make it an error."
    )
    return (total, *(f"missing {pluralize(scan.num_cases, 'case')}: {scan.reason}" for scan in lost))


def plan_network(experiment: Experiment, dataset: Dataset) -> tuple[PlannedLayer, ...]:
    """The network's layers on a data set.

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


def check_training_set(cases: Cases, sets: NDArray[np.str_], experiment: Experiment) -> None:
    """That every class can be learnt.

    Raises:
        RunError: The training set lacks a class.
    """
    is_training = sets == "train"
    present = np.unique(cases.labels[is_training])
    if present.size < len(cases.classes):
        is_own = experiment.split.by == "own"
        lower = "Use fewer folds" if experiment.split.folds else "Lower split.test and split.validation"
        remedy = "Use split.by=group." if is_own else f"{lower}, or add data."
        missing = ", ".join(name for label, name in enumerate(cases.classes) if label not in present)
        raise RunError(
            f"the training set has no case of {missing}: {np.count_nonzero(is_training)} of {len(cases.ids)} cases "
            f"are in it. {remedy}"
        )
