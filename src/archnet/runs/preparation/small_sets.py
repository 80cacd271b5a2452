"""Find sets too small for a useful result, and estimate the precision of the recall before training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.data.dataset import Cases
from archnet.errors import pluralize
from archnet.evaluation.uncertainty.intervals import Interval, effective_trials, expected_interval
from archnet.spec.experiment import SETS, Split

FEW_CASES: Final = 10
"""Fewer cases of a class than this are reported: the interval of a recall of 0.9 is then wider than 0.4."""

EXPECTED: Final = 0.9
"""The recall whose interval is given before training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRecall:
    """The expected precision of the recall of a class on a set.

    Attributes:
        set: "test", else "validation".
        class_name: The class.
        num_cases: Its cases in the set.
        num_groups: The groups (scans or patients) that they come from.
        recall: The recall that is assumed.
        interval: Its 95% interval if all cases are independent, as the report gives it.
        interval_by_group: Its 95% interval if the cases of a group are all found or all missed.
    """

    set: str
    class_name: str
    num_cases: int
    num_groups: int
    recall: float
    interval: Interval
    interval_by_group: Interval

    @property
    def text(self) -> str:
        """The expectation as a sentence."""
        counts = f'{pluralize(self.num_cases, "case")} of "{self.class_name}" in the {self.set} set'
        known = f"a recall of {self.recall:g} is known to within {_half_width(self.interval)}"
        if self.num_groups == self.num_cases:
            return f"With {counts}, each from its own group, {known}."
        return (
            f"With {counts} from {pluralize(self.num_groups, 'group')}, {known} at best (independent cases), and to "
            f"within {_half_width(self.interval_by_group)} if the cases of each group are all found or all missed."
        )

    def to_document(self) -> dict[str, Any]:
        """The expectation, JSON-ready."""
        return asdict(self)


def evaluated_set(sets: NDArray[np.str_]) -> str | None:
    """The set whose results a report is about: the test set, else the validation set; null if there is neither."""
    return next((name for name in reversed(SETS[1:]) if np.any(sets == name)), None)


def expect_recall(cases: Cases, sets: NDArray[np.str_]) -> ExpectedRecall | None:
    """The expected precision of the recall of the positive class on the evaluated set; null without such cases.

    Args:
        cases: The cases in use.
        sets: (N,) their sets.
    """
    name = evaluated_set(sets)
    groups = cases.groups[(sets == name) & (cases.labels == cases.positive)]
    if name is None or not len(groups):
        return None
    sizes = np.unique(groups, return_counts=True)[1].tolist()
    return ExpectedRecall(
        set=name,
        class_name=cases.classes[cases.positive],
        num_cases=len(groups),
        num_groups=len(sizes),
        recall=EXPECTED,
        interval=expected_interval(EXPECTED, len(groups)),
        interval_by_group=expected_interval(EXPECTED, effective_trials(sizes)),
    )


def find_small_sets(cases: Cases, sets: NDArray[np.str_], split: Split) -> Iterator[Finding]:
    """Find evaluated sets with few cases of a class or with a single group, and validation sets without a class.

    Args:
        cases: The cases in use.
        sets: (N,) their sets.
        split: How they were divided, "auto" resolved.
    """
    name = evaluated_set(sets)
    if name is None:
        return
    problems = [*_few_cases(cases, sets == name, name), *_single_group(cases, sets == name, name)]
    if name != "validation" and np.any(sets == "validation"):
        problems += _absent_classes(cases, sets == "validation")
    if problems:
        yield Finding(check="small_sets", severity="warning", message=" ".join(problems), remedy=_remedy(split))


def _few_cases(cases: Cases, is_member: NDArray[np.bool_], name: str) -> Iterator[str]:
    counts = np.bincount(cases.labels[is_member], minlength=len(cases.classes)).tolist()
    for class_name, count in zip(cases.classes, counts, strict=True):
        if not count:
            left_out = " and macro averages leave it out" if len(cases.classes) > 2 else ""
            yield f'The {name} set has no "{class_name}" case, so the recall of this class is undefined{left_out}.'
        elif count < FEW_CASES:
            low, high = expected_interval(EXPECTED, count)
            yield (
                f'The {name} set has only {pluralize(count, "case")} of "{class_name}": a recall of {EXPECTED:g} is '
                f"known to within {_half_width([low, high])} at best (95% interval {low:.2f} to {high:.2f})."
            )


def _single_group(cases: Cases, is_member: NDArray[np.bool_], name: str) -> Iterator[str]:
    groups = cases.groups[is_member]
    if len(groups) > 1 and len(np.unique(groups)) == 1:
        yield (
            f"All {len(groups)} cases of the {name} set come from one group (scan or patient), so its results do not "
            "apply to other patients."
        )


def _absent_classes(cases: Cases, is_member: NDArray[np.bool_]) -> Iterator[str]:
    present = np.unique(cases.labels[is_member])
    for label, class_name in enumerate(cases.classes):
        if label not in present:
            effect = (
                "it cannot choose weights or thresholds for this class"
                if len(cases.classes) == 2
                else "its macro averages leave this class out, and weights are chosen without it"
            )
            yield f'The validation set has no "{class_name}" case, so {effect}.'


def _half_width(interval: Interval) -> str:
    return f"±{(interval[1] - interval[0]) / 2:.2f}"


def _remedy(split: Split) -> str:
    if split.by in ("own", "own_test"):
        return "Add cases, or divide the data with split.by=group."
    if split.folds:
        return "Use fewer folds (split.folds), or add cases."
    return "Test each case once with split.folds=5, or add cases."
