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
from archnet.evaluation.uncertainty.intervals import (
    Interval,
    effective_trials,
    expected_interval,
    t_quantile,
)
from archnet.evaluation.uncertainty.proportions import least_design_effect
from archnet.spec.experiment import SETS, Split

FEW_CASES: Final = 10
"""Fewer cases of a class cause a warning: the interval of a recall of 0.9 would be wider than 0.4."""

EXPECTED: Final = 0.9
"""The assumed recall whose interval is estimated before training."""

_NO_INTERVAL: Final = "the interval of their recall cannot be estimated, since all come from one group"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRecall:
    """The expected precision of the recall of a class on a set.

    Attributes:
        set: "test", else "validation".
        class_name: The positive class; for more than two classes, the one with the fewest cases.
        num_classes: Number of classes of the data; for more than two, the recall is the macro average.
        num_cases: Number of its cases in the set.
        num_groups: Number of groups (scans or patients) of these cases.
        recall: The assumed recall.
        interval: Its 95% interval, as in the report, if cases of a group are independent; None if several cases come
            from one group.
        interval_by_group: Its 95% interval if the cases of a group are all found or all missed; None in the same case.
    """

    set: str
    class_name: str
    num_classes: int
    num_cases: int
    num_groups: int
    recall: float
    interval: Interval | None
    interval_by_group: Interval | None

    @property
    def text(self) -> str:
        """The expectation as a sentence, with one about the macro average for more than two classes."""
        if self.num_classes == 2:
            return self._class_text()
        return f"{self._class_text()} The report leads with the macro average over all classes."

    def _class_text(self) -> str:
        counts = f'{pluralize(self.num_cases, "case")} of "{self.class_name}" in the {self.set} set'
        if self.num_classes > 2:
            counts += f" (the fewest of {self.num_classes} classes)"
        if self.interval is None or self.interval_by_group is None:
            return f"With {counts}, {_NO_INTERVAL}."
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
    """The reported set: the test set, else the validation set; None if there is neither."""
    return next((name for name in reversed(SETS[1:]) if np.any(sets == name)), None)


def expect_recall(cases: Cases, sets: NDArray[np.str_]) -> ExpectedRecall | None:
    """The expected precision of the recall of a class on the evaluated set; None without such cases.

    The class is the positive one, or the one with the fewest cases of more than two.

    Args:
        cases: The cases in use.
        sets: (N,) their sets.
    """
    name = evaluated_set(sets)
    counts = np.bincount(cases.labels[sets == name], minlength=len(cases.classes))
    label = cases.positive if len(counts) == 2 else int(np.where(counts, counts, counts.sum() + 1).argmin())
    if name is None or not counts[label]:
        return None
    groups = cases.groups[(sets == name) & (cases.labels == label)]
    interval, interval_by_group = _expected_intervals(groups)
    return ExpectedRecall(
        set=name,
        class_name=cases.classes[label],
        num_classes=len(cases.classes),
        num_cases=len(groups),
        num_groups=len(np.unique(groups)),
        recall=EXPECTED,
        interval=interval,
        interval_by_group=interval_by_group,
    )


def _expected_intervals(groups: NDArray[np.str_]) -> tuple[Interval | None, Interval | None]:
    """The expected interval of the recall in the report for cases of some groups, at best and at worst.

    None, as in the report, if several cases come from one group.
    """
    sizes = np.unique(groups, return_counts=True)[1]
    if len(sizes) == len(groups):
        interval = expected_interval(EXPECTED, len(groups))
        return interval, interval
    if len(sizes) == 1:
        return None, None
    quantile, num_missed = t_quantile(len(sizes) - 1), np.array((1 - EXPECTED) * len(groups))
    at_best = len(groups) / float(least_design_effect(num_missed, sizes))
    return (
        expected_interval(EXPECTED, at_best, quantile),
        expected_interval(EXPECTED, effective_trials(sizes.tolist()), quantile),
    )


def find_small_sets(cases: Cases, sets: NDArray[np.str_], split: Split) -> Iterator[Finding]:
    """Find evaluated sets with few cases of a class or with a single group, and validation sets without a class.

    Args:
        cases: The cases in use.
        sets: (N,) their sets.
        split: The options of the split, with "auto" resolved.
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
    for label, (class_name, count) in enumerate(zip(cases.classes, counts, strict=True)):
        if not count:
            left_out = " and macro averages exclude it" if len(cases.classes) > 2 else ""
            yield f'The {name} set has no "{class_name}" case, so the recall of this class is undefined{left_out}.'
        elif count < FEW_CASES:
            interval, _ = _expected_intervals(cases.groups[is_member & (cases.labels == label)])
            known = _NO_INTERVAL if interval is None else _expectation(interval)
            yield f'The {name} set has only {pluralize(count, "case")} of "{class_name}": {known}.'


def _expectation(interval: Interval) -> str:
    low, high = interval
    return (
        f"a recall of {EXPECTED:g} is known to within {_half_width(interval)} at best (95% interval {low:.2f} to "
        f"{high:.2f})"
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
                else "its macro averages exclude this class, and weights are chosen without it"
            )
            yield f'The validation set has no "{class_name}" case, so {effect}.'


def _half_width(interval: Interval) -> str:
    return f"±{(interval[1] - interval[0]) / 2:.2f}"


def _remedy(split: Split) -> str:
    if split.by in ("own", "own_test"):
        return "Add cases, or split the data with split.by=group."
    if split.folds:
        return "Use fewer folds (split.folds), or add cases."
    return "Test each case once with split.folds=5, or add cases."
