"""Prepare the data of experiments: split, check, and extract crops."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from archnet.data.attributes.scan_columns import scan_columns
from archnet.data.checks.case_values import report_copies
from archnet.data.checks.duplicates.copies import find_copies
from archnet.data.checks.findings import Finding, stop_on_errors
from archnet.data.dataset import Cases, Crops, Dataset
from archnet.data.scan_ranges import ScanRanges, measure_scan_ranges, read_scan_frames
from archnet.errors import DataError, pluralize
from archnet.files.progress import Progress, no_progress
from archnet.imaging import Volume
from archnet.runs.preparation.case_split import CaseSplit, check_training_set, make_preview_splits, make_splits
from archnet.runs.preparation.data_checks import check_lists, check_scans
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.experiment import SETS, Experiment, Split


def prepare(
    dataset: Dataset,
    experiments: Sequence[Experiment],
    progress: Progress = no_progress,
    *,
    splits: Mapping[Split, CaseSplit] | None = None,
    strict: bool = False,
    is_preview: bool = False,
) -> list[PreparedData]:
    """Split the cases of a data set, extract their crops and check them, once for experiments with the same split.

    Args:
        dataset: The data set that the experiments have in common.
        experiments: The experiments; they may differ in their split.
        progress: Wraps the items of a long loop.
        splits: Result of `make_splits` for these experiments; None computes it.
        strict: Fail if a scan cannot be read or a candidate lies outside its scan.
        is_preview: Extract the crops even if there are too few cases to train.

    Returns:
        The data of each experiment.

    Raises:
        ArchnetError: The data are damaged, a set has too few cases, or a data check found an error that `data.allow`
            does not name.
    """
    if is_preview:
        splits = _make_warned_splits(dataset.cases, experiments)
    splits = splits or make_splits(dataset.cases, experiments)
    allowed = experiments[0].data.allow
    stop_on_errors(check_all_lists(dataset, splits), allowed)
    if strict:
        _check_candidates_inside(dataset, allowed)
    for options, split in splits.items() if not is_preview else ():
        check_training_set(dataset.cases.select(split.rows), split.sets[split.rows], options)
    prepared = cut_cases(dataset, splits, progress, strict=strict)
    stop_on_errors(join_findings(data.findings for data in prepared.values()), allowed)
    for options, data in prepared.items() if not is_preview else ():
        check_training_set(data.cases, data.sets, options)
    return [prepared[experiment.split] for experiment in experiments]


def _make_warned_splits(cases: Cases, experiments: Sequence[Experiment]) -> dict[Split, CaseSplit]:
    """Splits for a preview, with a warning if there are not enough cases for a run."""
    splits, problem = make_preview_splits(cases, experiments)
    if problem is None:
        return splits
    warning = Finding(check="small_sets", severity="warning", message=f"Not enough cases for a run: {problem}")
    return {options: replace(split, findings=(*split.findings, warning)) for options, split in splits.items()}


def check_all_lists(dataset: Dataset, splits: Mapping[Split, CaseSplit]) -> tuple[Finding, ...]:
    """Check the lists of a data set under several splits."""
    return join_findings(check_lists(dataset, split, options) for options, split in splits.items())


def join_findings(parts: Iterable[Iterable[Finding]]) -> tuple[Finding, ...]:
    """The findings of several splits, without duplicates."""
    return tuple(dict.fromkeys(finding for part in parts for finding in part))


def cut_cases(
    dataset: Dataset,
    splits: Mapping[Split, CaseSplit],
    progress: Progress = no_progress,
    *,
    strict: bool = False,
    with_search: bool = False,
) -> dict[Split, PreparedData]:
    """Extract the crops of all splits and check them, without stopping at errors of the checks.

    Args:
        dataset: The data set.
        splits: The cases in use under each split.
        progress: Wraps the items of a long loop.
        strict: Fail if a scan cannot be read.
        with_search: Search for near-duplicates; otherwise use the result of an earlier search.

    Raises:
        DataError: The data are damaged.
    """
    used = np.unique(np.concatenate([split.rows for split in splits.values()]))
    crops = dataset.crops(used, progress)
    if strict:
        _check_scans_read(crops)
    frames = read_scan_frames(crops.scans, progress, dataset.series) if crops.scans else ()
    ranges = _measure_scan_ranges(dataset, crops, frames)
    prepared = {
        options: _select_split(dataset, split, used, crops, frames, ranges) for options, split in splits.items()
    }
    of_scans = tuple(check_scans(dataset.cases.select(used), crops))
    copies = find_copies(
        crops.values,
        dataset.cases.groups[used],
        dataset.limits.hull,
        progress,
        has_channels=dataset.limits.num_data_channels > 1,
        with_search=with_search,
    )
    return {
        options: replace(
            prepared[options],
            findings=(
                *check_lists(dataset, split, options),
                *of_scans,
                *report_copies(copies, prepared[options].cases, prepared[options].sets, prepared[options].rows),
            ),
        )
        for options, split in splits.items()
    }


def _check_candidates_inside(dataset: Dataset, allowed: Sequence[str]) -> None:
    """Check that no candidate was dropped because it is outside its scan, unless this is allowed.

    Raises:
        DataError: A candidate was dropped.
    """
    for finding in dataset.findings:
        if finding.check == "outside_candidates" and finding.check not in allowed:
            raise DataError(f"{finding.message} Correct the list, or omit --strict.")


def _check_scans_read(crops: Crops) -> None:
    """Check that every scan could be read.

    Raises:
        DataError: A scan could not be read; the message has a line for each.
    """
    if crops.unreadable_scans:
        raise DataError(
            "\n".join(f"{lost.reason} It has {pluralize(lost.num_cases, 'case')}." for lost in crops.unreadable_scans)
        )


def _geometry_digest(frames: Iterable[Volume], points_mm: NDArray[np.float64] | None) -> str:
    """The SHA-256 of the geometry of scans, in any order, and of the positions of cases, both to a thousandth."""
    geometries = sorted(
        repr([(np.round(part, 3) + 0.0).tolist() for part in (frame.spacing_mm, frame.origin_mm, frame.direction)])
        for frame in frames
    )
    points = b"" if points_mm is None else np.round(points_mm, 3).astype("<f8").tobytes()
    return hashlib.sha256("\n".join(geometries).encode() + points).hexdigest()


def _select_split(
    dataset: Dataset,
    split: CaseSplit,
    used: NDArray[np.int64],
    crops: Crops,
    frames: Sequence[Volume],
    ranges: ScanRanges | None,
) -> PreparedData:
    """The cases of one split whose crops could be extracted, with the metadata of their scans."""
    places = np.searchsorted(used, split.rows)
    is_there = crops.is_there[places]
    cases = dataset.cases.select(split.rows[is_there])
    scan_numbers = None if crops.scan_numbers is None else crops.scan_numbers[places[is_there]]
    of_scans = scan_columns(frames, scan_numbers) if scan_numbers is not None else {}
    own_frames = [] if scan_numbers is None else [frames[number] for number in np.unique(scan_numbers)]
    return PreparedData(
        cases=replace(cases, attributes={**cases.attributes, **of_scans, **cases.attributes}),
        sets=split.sets[split.rows[is_there]],
        values=crops.values,
        rows=places[is_there],
        limits=dataset.limits,
        lost_scans=crops.unreadable_scans,
        scan_ranges=ranges,
        scan_records=crops.scan_records,
        scan_numbers=scan_numbers,
        geometry=_geometry_digest(own_frames, dataset.points_mm(split.rows[is_there])) if own_frames else None,
        flow=_count_flow(split, is_there),
        dataset=dataset if crops.scans else None,
    )


def _count_flow(split: CaseSplit, is_there: NDArray[np.bool_]) -> dict[str, dict[str, int]]:
    """The numbers of cases found, of negatives not drawn, and of cases in unreadable scans for each non-empty set.

    Args:
        split: The cases of the data set, and those in use.
        is_there: Whether the crop of each case in use could be extracted.
    """
    used = split.sets[split.rows]
    counts = {}
    for name in SETS:
        num_found, num_used = np.count_nonzero(split.sets == name), np.count_nonzero(used == name)
        if num_found:
            num_lost = int(np.count_nonzero((used == name) & ~is_there))
            counts[name] = {"found": int(num_found), "not_drawn": int(num_found - num_used), "lost": num_lost}
    return counts


def _measure_scan_ranges(dataset: Dataset, crops: Crops, frames: Sequence[Volume]) -> ScanRanges | None:
    """The ranges of the readable scans; None if there are none."""
    if not frames:
        return None
    cases = crops.values[crops.is_there] if crops.unreadable_scans else crops.values
    return measure_scan_ranges(frames, cases, dataset.limits.hull)
