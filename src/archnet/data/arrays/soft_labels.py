"""Read the arrays `soft` and `weight` of an .npz file: soft labels and case weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.arrays.case_labels import CaseLabels, check_names, read_labels, refuse_rows
from archnet.data.checks.findings import Finding, first_names
from archnet.data.checks.left_out import MAX_CASES
from archnet.errors import pluralize

SUM_TOLERANCE: Final = 1e-3
"""Tolerance for the sum of a row, which should be 1; rows within it are normalized."""

MIN_WEIGHT: Final = 1e-6
MAX_WEIGHT: Final = 1e6
"""Allowed range of weights; beyond it, cases would have no effect on a float32 loss."""

_MANY_DIFFERENCES: Final = 0.5
"""Share of cases in which y and soft differ above which the columns are almost certainly in a different order."""


def read_weight(weight: NDArray[Any]) -> NDArray[np.float32]:
    """Read the weight of each case, (N,).

    Raises:
        ValueError: The array has a different shape, or a weight is not from `MIN_WEIGHT` to `MAX_WEIGHT`.
    """
    if weight.ndim != 1:
        raise ValueError(f"weight must be (N,), one number for each case, got {weight.shape}")
    weights = _convert(weight, "weight")
    remedy = "give a positive number, or omit cases that should not count"
    _refuse_weights(weights, ~(np.isfinite(weights) & (weights > 0)), "positive and finite", remedy)
    remedy = "only ratios of weights count: divide them by their mean, and omit cases that hardly count"
    is_extreme = (weights < MIN_WEIGHT) | (weights > MAX_WEIGHT)
    _refuse_weights(weights, is_extreme, f"from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}", remedy)
    return weights.astype(np.float32)


def _refuse_weights(weights: NDArray[np.float64], is_wrong: NDArray[np.bool_], expected: str, remedy: str) -> None:
    if is_wrong.any():
        refuse_rows(is_wrong, f"weight is not {expected} (such as {weights[np.argmax(is_wrong)]:g})", remedy)


def read_soft_labels(
    soft: NDArray[Any], y: NDArray[Any] | None, names: Sequence[str] | None, source: str = "classes"
) -> CaseLabels:
    """Read the classes of cases with soft labels.

    Args:
        soft: (N, classes) share of each class, in the order of the labels.
        y: Hard labels; None uses the class with the largest share of each case.
        names: Names of the classes in the order of the labels; None uses the labels themselves.
        source: Where the names come from, for messages.

    Returns:
        Hard and soft labels, with a finding if they contradict each other.

    Raises:
        ValueError: An array does not contain valid labels, a class has no case, or the largest share of a case is not
            unique and there is no y.
    """
    shares = _read_shares(soft)
    labels = _largest_shares(shares, names, source) if y is None else read_labels(y, names, source)
    if len(labels.classes) != shares.shape[1]:
        raise ValueError(
            f"soft has {pluralize(shares.shape[1], 'column')}, but y contains {len(labels.classes)} classes "
            f"({', '.join(labels.classes[:10])}); give one column for each class, in this order"
        )
    findings = (*labels.findings, *_find_differences(labels, shares))
    return replace(labels, soft=shares.astype(np.float32), findings=findings)


def _read_shares(soft: NDArray[Any]) -> NDArray[np.float64]:
    """Read the (N, classes) shares; each row sums to 1."""
    if soft.shape[1:] in ((), (1,)) and soft.ndim:
        raise ValueError(
            f"soft must be (N, classes), got {soft.shape}; for two classes, save the shares of both: "
            "soft=numpy.stack([1 - share, share], axis=1)"
        )
    if soft.ndim != 2 or soft.shape[1] == 0:
        raise ValueError(f"soft must be (N, classes), one row for each case, got {soft.shape}")
    shares = _convert(soft, "soft")
    refuse_rows(~np.isfinite(np.abs(shares).max(axis=1)), "soft contains NaN or infinity", "give a share of each class")
    refuse_rows(shares.min(axis=1) < 0, "soft contains a negative share", "give shares from 0 to 1")
    with np.errstate(over="ignore"):  # a sum beyond float64 becomes infinite
        sums = shares.sum(axis=1)
    is_off = np.abs(sums - 1) > SUM_TOLERANCE
    if is_off.any():
        what = f"soft does not sum to 1 (the first sum is {sums[np.argmax(is_off)]:g})"
        refuse_rows(is_off, what, "save soft=soft / soft.sum(axis=1, keepdims=True) if these are shares")
    shares /= sums[:, np.newaxis]
    return shares


def _largest_shares(shares: NDArray[np.float64], names: Sequence[str] | None, source: str) -> CaseLabels:
    """Find the class with the largest share of each case."""
    num_classes = shares.shape[1]
    if names is not None:
        check_names(names, source)
        if len(names) != num_classes:
            raise ValueError(
                f"soft has {pluralize(num_classes, 'column')}, but {source} contains {pluralize(len(names), 'name')}; "
                "give one name for each column"
            )
    num_largest = np.count_nonzero(shares == shares.max(axis=1, keepdims=True), axis=1)
    refuse_rows(
        num_largest > 1,
        "there is no y, and the largest share in soft is not unique",
        "save y with the label of each case, or omit these cases",
    )
    indices = shares.argmax(axis=1)
    counts = np.bincount(indices, minlength=num_classes)
    if not counts.all():
        column = int(np.argmin(counts))
        name = "" if names is None else f" ({names[column]})"
        raise ValueError(
            f"in soft, no case has its largest share in column {column}{name}; every class needs at least one case"
        )
    return read_labels(indices, names, source)


def _find_differences(labels: CaseLabels, shares: NDArray[np.float64]) -> list[Finding]:
    """Report cases whose label in y is not the class with the largest share."""
    differs = shares[np.arange(len(shares)), labels.indices] < shares.max(axis=1)
    rows = np.flatnonzero(differs).astype(np.str_).tolist()
    if not rows:
        return []
    are_many = len(rows) > _MANY_DIFFERENCES * len(shares)
    order = f"The columns of soft must be in the order of the classes: {', '.join(labels.classes[:10])}."
    return [
        Finding(
            check="soft_labels",
            severity="error" if are_many else "warning",
            message=f"The label in y is not the class with the largest share in soft in {len(rows):,} of "
            f"{pluralize(len(shares), 'case')}: {first_names(rows)}. The loss uses soft, metrics use y.",
            cases=tuple(rows[:MAX_CASES]),
            remedy=order if are_many else "Correct these cases, or omit y to use the class with the largest share.",
        )
    ]


def _convert(array: NDArray[Any], key: str) -> NDArray[np.float64]:
    if array.dtype.kind not in "iubf":
        raise ValueError(f"{key} must contain numbers, got {array.dtype}")
    with np.errstate(over="ignore"):  # a number beyond float64 becomes infinite
        return array.astype(np.float64)
