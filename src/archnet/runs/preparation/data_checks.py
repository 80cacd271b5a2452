"""All checks of an experiment's data: first those of its lists, then those of its crops.

A check gives findings. Each is one line here; `prepare` and `archnet data check` run them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archnet.data.checks.findings import Finding
from archnet.data.dataset import Dataset
from archnet.errors import pluralize
from archnet.runs.preparation.case_split import CaseSplit
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.runs.preparation.small_sets import find_small_sets
from archnet.spec.experiment import Split

_MAX_REASONS: Final = 3
"""Unreadable scans whose reasons a finding states."""


def check_lists(dataset: Dataset, split: CaseSplit, options: Split) -> Iterator[Finding]:
    """Check the cases and their division into sets, before any voxel is read.

    Args:
        dataset: The data set.
        split: Its cases in use, and their sets.
        options: How they were divided.
    """
    cases, sets = dataset.cases.select(split.rows), split.sets[split.rows]
    yield from dataset.findings
    yield from find_small_sets(cases, sets, options)


def check_crops(data: PreparedData, num_wanted: int) -> Iterator[Finding]:
    """Check the voxels of the cases in use.

    Args:
        data: The cases that could be cut, without findings.
        num_wanted: Cases in use, cut or not.
    """
    yield from _find_unreadable_scans(data, num_wanted)


def _find_unreadable_scans(data: PreparedData, num_wanted: int) -> Iterator[Finding]:
    lost = data.lost_scans
    if not lost:
        return
    examples = [f"{scan.reason} It has {pluralize(scan.num_cases, 'case')}." for scan in lost[:_MAX_REASONS]]
    others = [f"{len(lost) - _MAX_REASONS:,} more are listed in data.json."] if len(lost) > _MAX_REASONS else []
    scans, num_lost = pluralize(len(lost), "scan"), num_wanted - len(data.cases.ids)
    total = f"{scans} could not be read: {num_lost:,} of {num_wanted:,} cases are missing."
    yield Finding(
        check="unreadable_scans",
        severity="warning",
        message=" ".join([total, *examples, *others]),
        cases=tuple(scan.scan for scan in lost),
        remedy="Repair or remove the damaged files, or use --strict to make this an error.",
    )
