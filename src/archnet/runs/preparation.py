"""The data of an experiment, divided and cut, and what a network sees of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases, Crops, Dataset, LostScan
from archnet.data.scan_ranges import ScanRanges, scan_ranges
from archnet.data.split import keep_rows, make_split
from archnet.errors import DataError, RunError, counted
from archnet.files.progress import Progress, silent
from archnet.spec.arch import PlannedLayer
from archnet.spec.auto import TrainingSet, picked, with_true_reasons
from archnet.spec.experiment import Experiment, Split
from archnet.spec.view import input_shape, seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """The cases of one split and their arrays; all runs on this split share them.

    Attributes:
        cases: The cases that are left after the draw of negatives.
        sets: (N,) "train", "validation" or "test".
        values: (M, height, width[, depth]) raw values of all splits' cases; may be memory-mapped.
        rows: (N,) where each case stands in `values`.
        limits: Raw values that become 0 and 1.
        notes: What a reader of the results should know about the data.
        lost: Scans that could not be read; their cases are missing.
        scans: What the scans look like that the cases of all sets lie in; null where they lie in none.
    """

    cases: Cases
    sets: NDArray[np.str_]
    values: NDArray[Any]
    rows: NDArray[np.int64]
    limits: tuple[float, float]
    notes: tuple[str, ...] = ()
    lost: tuple[LostScan, ...] = ()
    scans: ScanRanges | None = None

    def record(self) -> dict[str, Any]:
        """What a run folder keeps of the data, JSON-ready: notes, scans that are missing, and what the others are."""
        return {
            "notes": list(self.notes),
            "lost": [asdict(scan) for scan in self.lost],
            "scans": self.scans and self.scans.document(),
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one case."""
        return self.values.shape[1:]

    def seen(self, experiment: Experiment) -> NDArray[Any]:
        """The part of `values` that a network sees, a view of shape (M, *input_shape)."""
        return seen(self.values, experiment)


def picked_for(experiment: Experiment, dataset: Dataset) -> Experiment:
    """The experiment with what it leaves to the data picked from its training set, before anything is cut.

    What a document says was picked keeps its value, with a warning where it would now be another.

    Raises:
        DataError: The sets cannot be filled.
    """
    if not experiment.training.auto and not experiment.picked:
        return experiment
    cases = dataset.cases
    sets = make_split(cases, experiment.split)
    rows = kept_rows(cases, sets, experiment)
    counts = np.bincount(cases.labels[rows[sets[rows] == "train"]], minlength=len(cases.classes))
    known = TrainingSet(counts=tuple(counts.tolist()), shape=tuple(dataset.shape), positive=cases.positive)
    checked = with_true_reasons(experiment, known)
    others = [key for key in experiment.picked if key not in checked.picked]
    if others:
        logging.getLogger("archnet.picks").warning(
            'kept, though other values would be picked here: %s. Set them to "auto" to have them picked again.',
            ", ".join(others),
        )
    return picked(checked, known)


def prepare(
    dataset: Dataset, experiments: Sequence[Experiment], progress: Progress = silent, *, strict: bool = False
) -> list[Prepared]:
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
    drawn: dict[Split, tuple[NDArray[np.str_], NDArray[np.int64]]] = {}
    for experiment in experiments:
        sets = make_split(dataset.cases, experiment.split)
        rows = kept_rows(dataset.cases, sets, experiment)
        check_training_set(dataset.cases.only(rows), sets[rows], experiment)
        drawn[experiment.split] = (sets, rows)
    used = np.unique(np.concatenate([rows for _, rows in drawn.values()]))
    crops = dataset.crops(used, progress)
    if strict and crops.lost:
        raise DataError("\n".join(f"{lost.reason} It has {counted(lost.num_cases, 'case')}." for lost in crops.lost))
    prepared = {split: _divided(dataset, sets, rows, used, crops) for split, (sets, rows) in drawn.items()}
    ranges = _ranges(dataset, used, crops, progress)
    prepared = {split: replace(data, scans=ranges) for split, data in prepared.items()}
    for experiment in experiments:
        data = prepared[experiment.split]
        check_training_set(data.cases, data.sets, experiment)
    return [prepared[experiment.split] for experiment in experiments]


def kept_rows(cases: Cases, sets: NDArray[np.str_], experiment: Experiment) -> NDArray[np.int64]:
    """The rows that an experiment uses, ascending; its test set keeps all candidates where that is asked for."""
    keep_all = {"test"} if experiment.evaluation.keep_all_candidates else set()
    return keep_rows(cases, sets, experiment.data, experiment.split, keep_all)


def _divided(
    dataset: Dataset, sets: NDArray[np.str_], rows: NDArray[np.int64], used: NDArray[np.int64], crops: Crops
) -> Prepared:
    """The cases of one split that could be cut."""
    places = np.searchsorted(used, rows)
    is_there = crops.is_there[places]
    kept = rows[is_there]
    return Prepared(
        cases=dataset.cases.only(kept),
        sets=sets[kept],
        values=crops.values,
        rows=places[is_there],
        limits=dataset.limits,
        notes=(*dataset.notes, *_lost_notes(crops.lost, len(rows), len(kept))),
        lost=crops.lost,
    )


def _ranges(dataset: Dataset, used: NDArray[np.int64], crops: Crops, progress: Progress) -> ScanRanges | None:
    """What the scans that could be read look like."""
    scans = dataset.scans(used[crops.is_there])
    cases = crops.values[crops.is_there] if crops.lost else crops.values
    return scan_ranges(scans, cases, dataset.limits, progress) if scans else None


def _lost_notes(lost: tuple[LostScan, ...], num_wanted: int, num_kept: int) -> tuple[str, ...]:
    if not lost:
        return ()
    total = (
        f"{counted(len(lost), 'scan')} could not be read: {num_wanted - num_kept:,} of {num_wanted:,} cases are "
        "missing. Mend or remove what is damaged, or use --strict to make it an error."
    )
    return (total, *(f"missing {counted(scan.num_cases, 'case')}: {scan.reason}" for scan in lost))


def plan_for(experiment: Experiment, dataset: Dataset) -> tuple[PlannedLayer, ...]:
    """The network's layers on a data set.

    Raises:
        ArchnetError: The architecture does not fit the data.
    """
    return experiment.arch.plan(input_shape(experiment, dataset.shape), len(dataset.cases.classes))


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
