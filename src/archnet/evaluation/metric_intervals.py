"""The 95% interval of each metric of a set whose cases are grouped by scan or patient.

Proportions have Wilson's interval with a design effect; the AUC has an interval from Obuchowski's standard error. All
others, and all macro means, use the standard error of a bootstrap over groups on the logit scale (MCC: Fisher's z),
with Student's t. The number of groups of a per-class metric is that of the groups with cases of the class or of those
with other cases, whichever is smaller, because these groups determine the precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import proportion_intervals
from archnet.evaluation.metric_values import macro_mean, metric_values
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Ranking
from archnet.evaluation.uncertainty.clustered_auc import area_interval, scarcer_groups
from archnet.evaluation.uncertainty.intervals import (
    Interval,
    Scale,
    bootstrap_t_interval,
    can_resample,
    resamples,
)
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.spec.metrics import METRICS

IntervalEntry = Interval | dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class GroupedCases:
    """The cases of one set with their predictions and groups.

    Attributes:
        part: The cases.
        y_pred: Index of the predicted class, shape (N,).
        columns: The classes with metrics: the positive one of two, else all.
        rankings: For each column, the cases ranked by its probability; empty for confusion-matrix metrics alone.
        bootstraps: Number of resamples for intervals without a closed form; 0 omits these intervals.
        seed: Seed of the resamples.
    """

    part: Predictions
    y_pred: NDArray[np.int64]
    columns: Sequence[int]
    rankings: Mapping[int, Ranking]
    bootstraps: int
    seed: int

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Index of each case's group, shape (N,)."""
        groups: NDArray[np.int64] = np.unique(self.part.groups, return_inverse=True)[1]
        return groups

    @cached_property
    def num_groups(self) -> int:
        """The groups of the set."""
        return int(self.groups.max()) + 1

    @cached_property
    def matrices(self) -> NDArray[np.int64]:
        """The confusion matrix of each group, shape (G, K, K): rows truth, columns prediction."""
        num_classes = len(self.part.classes)
        cells = (self.groups * num_classes + self.part.y_true) * num_classes + self.y_pred
        counts = np.bincount(cells, minlength=self.num_groups * num_classes**2)
        return counts.reshape(-1, num_classes, num_classes).astype(np.int64)

    @cached_property
    def bearing_groups(self) -> list[int]:
        """For each column, the number of groups that determine the precision of its metrics."""
        return [scarcer_groups(self.part.y_true == k, self.groups) for k in self.columns]


def interval_entries(cases: GroupedCases, values: Mapping[str, Floats]) -> dict[str, IntervalEntry]:
    """Compute the interval of each metric in the form of its `metrics.json` entry; None where it cannot be estimated.

    Args:
        cases: The cases.
        values: The metrics, of shape (len(columns),) if each class has its own value, else ().
    """
    shares = proportion_intervals(cases.matrices, cases.columns)
    samples = _bootstrapped(cases, [name for name in values if _needs_bootstrap(name, cases)])
    return {
        name: _interval_entry(name, cases, value, shares.get(name), samples.get(name)) for name, value in values.items()
    }


def _needs_bootstrap(name: str, cases: GroupedCases) -> bool:
    """Whether a metric, or its macro mean, has no closed form."""
    has_macro = METRICS[name].is_per_class and len(cases.columns) > 1
    return has_macro or not (METRICS[name].proportion or name == "auc")


def _bootstrapped(cases: GroupedCases, names: Sequence[str]) -> dict[str, Floats]:
    """Metrics of each resample of groups; empty if there is nothing to resample."""
    if not names or not can_resample(cases.num_groups, cases.bootstraps):
        return {}
    flat_matrices, num_classes = cases.matrices.reshape(cases.num_groups, -1), len(cases.part.classes)
    chunks = [
        metric_values(
            (counts @ flat_matrices).reshape(-1, num_classes, num_classes),
            cases.rankings,
            counts[:, cases.groups] if cases.rankings else counts,
            cases.columns,
            names,
        )
        for counts in resamples(cases.num_groups, cases.bootstraps, num_cases=len(cases.groups), seed=cases.seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


def _interval_entry(
    name: str, cases: GroupedCases, value: Floats, shares: list[Interval | None] | None, samples: Floats | None
) -> IntervalEntry:
    """The interval of a metric: of the whole set, of the only column, or of the macro mean and of each column."""
    scale: Scale = "atanh" if METRICS[name].range == (-1, 1) else "logit"
    if value.ndim == 0:
        return shares[0] if shares else _whole_interval(cases, float(value), samples, scale)
    ends = shares or _class_intervals(name, cases, value, samples, scale)
    if len(ends) == 1:
        return ends[0]
    means = None if samples is None else macro_mean(samples)
    macro = _bootstrap_interval(float(macro_mean(value)), means, cases.num_groups, scale)
    class_names = [cases.part.classes[k] for k in cases.columns]
    return {"macro": macro, "per_class": dict(zip(class_names, ends, strict=True))}


def _whole_interval(cases: GroupedCases, value: float, samples: Floats | None, scale: Scale) -> Interval | None:
    """The interval of a metric of the whole set; with two classes, any column gives the same result."""
    num_groups = cases.bearing_groups[0] if len(cases.columns) == 1 else cases.num_groups
    return _bootstrap_interval(value, samples, num_groups, scale)


def _class_intervals(
    name: str, cases: GroupedCases, values: Floats, samples: Floats | None, scale: Scale
) -> list[Interval | None]:
    """The interval of each column's metric."""
    if name == "auc":
        part = cases.part
        return [area_interval(part.probabilities[:, k], part.y_true == k, cases.groups) for k in cases.columns]
    return [
        _bootstrap_interval(float(value), None if samples is None else samples[:, place], num_groups, scale)
        for place, (value, num_groups) in enumerate(zip(values, cases.bearing_groups, strict=True))
    ]


def _bootstrap_interval(value: float, samples: Floats | None, num_groups: int, scale: Scale) -> Interval | None:
    return None if samples is None else bootstrap_t_interval(value, samples, num_groups, scale)
