"""Check that scans are in Hounsfield units, and that the scans of all classes are on the same scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, Severity, is_or_are
from archnet.data.checks.scan_records import ScanRecord
from archnet.errors import pluralize
from archnet.imaging.hounsfield import ValueKind, evaluate_hu

_MAX_REASONS: Final = 3
"""Maximum number of scans whose reasons a finding gives."""

_MIN_AUC: Final = 0.95
_CLEAR_SHIFT_HU: Final = 100.0
_NOTICEABLE_SHIFT_HU: Final = 50.0
"""Minimum shifts of both air and soft tissue between classes. No disease shifts both."""

_MIN_SCANS: Final = 3
"""Minimum number of scans of each class for which a noticeable shift or a different padding is reported."""

_HIGHEST_AIR_PADDING_HU: Final = -900.0
"""Padding below this looks like the air around a body."""


def check_scan_values(
    scans: Sequence[Path],
    records: Sequence[ScanRecord],
    scan_numbers: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: Sequence[str],
) -> tuple[Finding, ...]:
    """Check the values of the scans from which cases are extracted.

    Args:
        scans: The scans.
        records: The record of each scan.
        scan_numbers: (N,) index into `scans` of the scan of each case; -1 if it could not be read.
        labels: (N,) index into `classes` of each case.
        classes: The class names.
    """
    is_there = scan_numbers >= 0
    has_class = np.zeros((len(scans), len(classes)), bool)
    has_class[scan_numbers[is_there], labels[is_there]] = True
    return (
        *_find_other_values(scans, records),
        *_find_class_shifts(records, has_class, classes),
        *_find_class_padding(records, has_class, classes),
    )


def _find_other_values(scans: Sequence[Path], records: Sequence[ScanRecord]) -> Iterator[Finding]:
    """Findings on scans that are clearly or possibly not in Hounsfield units."""
    assessed = [(scan, evaluate_hu(record.values)) for scan, record in zip(scans, records, strict=True)]
    severities: dict[ValueKind, tuple[Severity, str]] = {
        "other": ("error", "not in Hounsfield units"),
        "unclear": ("warning", "possibly not in Hounsfield units"),
    }
    for kind, (severity, meaning) in severities.items():
        found = [(scan, assessment.reason) for scan, assessment in assessed if assessment.kind == kind]
        if found:
            are = is_or_are(len(found))
            reasons = [f"{scan}: {reason}" for scan, reason in found[:_MAX_REASONS]]
            rest = len(found) - len(reasons)
            others = [f"{rest:,} more {is_or_are(rest)} listed in data.json."] if rest else []
            total = f"{len(found):,} of {pluralize(len(scans), 'scan')} {are} {meaning}."
            yield Finding(
                check="value_range",
                severity=severity,
                message=" ".join([total, *reasons, *others]),
                cases=tuple(str(scan) for scan, _ in found),
                remedy="Convert the scans to Hounsfield units, or remove them.",
            )


def _find_class_shifts(
    records: Sequence[ScanRecord], has_class: NDArray[np.bool_], classes: Sequence[str]
) -> Iterator[Finding]:
    """Report if the scans with cases of one class are on a different scale than the scans without."""
    levels = np.array([(record.values.dark, record.values.bright) for record in records])
    is_other = np.array([evaluate_hu(record.values).kind == "other" for record in records])
    for label in reversed(range(len(classes))):
        is_in = has_class[:, label]
        if is_in.any() and not is_in.all():
            severity = _shift_severity(levels[is_in], levels[~is_in], is_other[is_in], is_other[~is_in])
            if severity:
                yield _shift_finding(severity, classes[label], levels[is_in], levels[~is_in])
                return


def _shift_severity(
    inside: NDArray[np.float64],
    outside: NDArray[np.float64],
    is_other_inside: NDArray[np.bool_],
    is_other_outside: NDArray[np.bool_],
) -> Severity | None:
    """Severity of the difference between the levels (n, 2) of two groups of scans; None if there is none."""
    if abs(is_other_inside.mean() - is_other_outside.mean()) >= _MIN_AUC:
        return "error"
    shift = np.median(inside, axis=0) - np.median(outside, axis=0)
    aucs = [_auc(inside[:, part], outside[:, part]) for part in (0, 1)]
    if max(min(aucs), 1 - max(aucs)) < _MIN_AUC:  # both lower or both higher
        return None
    if np.abs(shift).min() >= _CLEAR_SHIFT_HU:
        return "error"
    is_noticeable = np.abs(shift).min() >= _NOTICEABLE_SHIFT_HU and min(len(inside), len(outside)) >= _MIN_SCANS
    return "warning" if is_noticeable else None


def _shift_finding(severity: Severity, name: str, inside: NDArray[np.float64], outside: NDArray[np.float64]) -> Finding:
    dark, bright = (
        f"{_number(np.median(inside[:, part]))} versus {_number(np.median(outside[:, part]))}" for part in (0, 1)
    )
    aucs = [_auc(inside[:, part], outside[:, part]) for part in (0, 1)]
    best = max(*aucs, *(1 - auc for auc in aucs))
    message = (
        f'The {pluralize(len(inside), "scan")} with cases of class "{name}" and the {len(outside):,} without are on '
        f"different scales: the medians of air and lung are {dark}, those of soft tissue {bright}. No disease shifts "
        f"both. Even without a network, this difference separates the scans with an AUC of {best:.3f}."
    )
    return Finding(
        check="class_values",
        severity=severity,
        message=message,
        remedy="Convert the scans of all classes to Hounsfield units in the same way.",
    )


def _find_class_padding(
    records: Sequence[ScanRecord], has_class: NDArray[np.bool_], classes: Sequence[str]
) -> Iterator[Finding]:
    """Warn if a value brighter than air fills the corners of the scans of only one class."""
    paddings = [record.values.padding for record in records]
    is_padded = np.array([value is not None and value > _HIGHEST_AIR_PADDING_HU for value in paddings])
    for label in reversed(range(len(classes))):
        is_in = has_class[:, label]
        is_divided = min(np.count_nonzero(is_in), np.count_nonzero(~is_in)) >= _MIN_SCANS
        if is_divided and abs(is_padded[is_in].mean() - is_padded[~is_in].mean()) >= _MIN_AUC:
            where = "with" if is_padded[is_in].mean() > 0.5 else "without"
            value = next(value for value, padded in zip(paddings, is_padded.tolist(), strict=True) if padded)
            yield Finding(
                check="class_values",
                severity="warning",
                message=(
                    f"A constant value, such as {value:g}, fills the corners of the scans {where} cases of class "
                    f'"{classes[label]}", but not those of the other scans. A network can use it to separate the '
                    f"classes."
                ),
                remedy="Fill the area outside the reconstruction circle with -1000 in all scans, or crop the scans.",
            )
            return


def _auc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    """AUC: the probability that a value of the first group is larger than one of the second; ties count half."""
    difference = inside[:, np.newaxis] - outside
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def _number(value: np.floating[Any]) -> str:
    """Format a value with three digits."""
    return f"{float(f'{value:.3g}'):,g}"
