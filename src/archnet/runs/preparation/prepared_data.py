"""The data of an experiment: split, checked, and cut into crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, stop_on_errors
from archnet.data.dataset import Cases, Crops, Dataset, UnreadableScan
from archnet.data.scan_ranges import ScanRanges, measure_scan_ranges
from archnet.errors import DataError, pluralize
from archnet.files.progress import Progress, no_progress
from archnet.runs.preparation.case_split import CaseSplit, check_training_set, make_splits
from archnet.spec.experiment import Experiment, Split
from archnet.spec.view import network_input

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
