"""All checks of an experiment's data: first of its lists, then of its scans.

Checks return findings. `prepare` and `archnet data check` run all checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from archnet.data.checks.case_table import check_table
from archnet.data.checks.findings import Finding
from archnet.data.checks.label_shares import check_labels
from archnet.data.checks.scan_headers import check_scan_headers
from archnet.data.checks.scan_values import check_scan_values
from archnet.data.checks.unusual_names import check_names
from archnet.data.dataset import Cases, Crops, Dataset
from archnet.data.luna16 import Luna16Dataset
from archnet.data.split import resolve_split
from archnet.errors import pluralize
from archnet.runs.preparation.case_split import CaseSplit
from archnet.runs.preparation.small_sets import find_small_sets
from archnet.spec.experiment import Split

_MAX_REASONS: Final = 3
"""Maximum number of unreadable scans whose reasons a finding lists."""


def check_lists(dataset: Dataset, split: CaseSplit, options: Split) -> Iterator[Finding]:
    """Check the cases and their split into sets, before any voxel is read.

    Args:
        dataset: The data set.
        split: Its cases in use, and their sets.
        options: The options of the split.
    """
    cases, sets = dataset.cases.select(split.rows), split.sets[split.rows]
    yield from dataset.findings
    yield from split.findings
    chosen, _ = resolve_split(dataset.cases, options)
    yield from check_table(
        cases, uses_own_sets=chosen.by in ("own", "own_test"), are_candidates=isinstance(dataset, Luna16Dataset)
    )
    yield from check_names(cases)
    yield from check_labels(cases.soft, cases.weight)
    yield from find_small_sets(cases, sets, chosen)


def check_scans(cases: Cases, crops: Crops) -> Iterator[Finding]:
    """Check the scans of the cases in use, in all sets.

    Args:
        cases: The cases in use under all splits.
        crops: Their crops.
    """
    yield from _find_unreadable_scans(crops)
    if crops.scan_numbers is not None:
        yield from check_scan_headers(crops.scans, crops.scan_records)
        yield from check_scan_values(crops.scans, crops.scan_records, crops.scan_numbers, cases.labels, cases.classes)


def _find_unreadable_scans(crops: Crops) -> Iterator[Finding]:
    lost = crops.unreadable_scans
    if not lost:
        return
    examples = [f"{scan.reason} It has {pluralize(scan.num_cases, 'case')}." for scan in lost[:_MAX_REASONS]]
    others = [f"{len(lost) - _MAX_REASONS:,} more are listed in data.json."] if len(lost) > _MAX_REASONS else []
    scans, num_missing = pluralize(len(lost), "scan"), np.count_nonzero(~crops.is_there)
    total = f"{scans} could not be read: {num_missing:,} of {len(crops.is_there):,} cases are missing."
    yield Finding(
        check="unreadable_scans",
        severity="warning",
        message=" ".join([total, *examples, *others]),
        cases=tuple(scan.scan for scan in lost),
        remedy="Repair or remove the damaged files, or use --strict to make this an error.",
    )
