"""Cases of two classes in groups, and intervals of numbers that are sums over their cases."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.intervals import Scale, score_bounds, t_interval, t_quantile
from archnet.evaluation.uncertainty.proportions import least_design_effect

Floats = NDArray[np.float64]

_ROUNDING = 1e-12  # a standard error below it is 0


@dataclass(frozen=True, slots=False, kw_only=True, eq=False)
class BinaryCases:
    """Cases of two classes.

    Attributes:
        scores: Probability of the positive class, shape (N,).
        is_positive: Shape (N,).
        groups: Index of each case's scan or patient, shape (N,).
    """

    scores: Floats
    is_positive: NDArray[np.bool_]
    groups: NDArray[np.int64]

    @property
    def positive_scores(self) -> Floats:
        """Shape (P,)."""
        return self.scores[self.is_positive]

    @property
    def negative_scores(self) -> Floats:
        """Shape (N - P,)."""
        return self.scores[~self.is_positive]

    @property
    def has_both_classes(self) -> bool:
        """Whether there are positive and negative cases."""
        return bool(self.is_positive.any() and not self.is_positive.all())

    @cached_property
    def num_groups(self) -> int:
        """Groups that have cases."""
        return len(np.unique(self.groups))

    @cached_property
    def fewest_groups(self) -> int:
        """Groups that have positive cases, or negative ones, whichever are fewer."""
        return min(len(np.unique(self.groups[rows])) for rows in (self.is_positive, ~self.is_positive))

    def swap(self) -> BinaryCases:
        """The same cases with the classes exchanged."""
        return BinaryCases(scores=-self.scores, is_positive=~self.is_positive, groups=self.groups)

    def standard_error(self, influences: Floats) -> float:
        """The standard error of a number over the choice of groups, from what each case adds to it.

        The variance of a linearized statistic of clusters (Cameron and Miller 2015, doi:10.3368/jhr.50.2.317).

        Args:
            influences: Shape (N,), of sum 0.

        Returns:
            NaN of fewer than two groups.
        """
        if self.num_groups < 2:
            return math.nan
        sums = np.bincount(self.groups, influences)
        return math.sqrt(self.num_groups / (self.num_groups - 1) * float(sums @ sums))


def estimate_entry(value: float, standard_error: float, num_groups: int, scale: Scale) -> dict[str, Any]:
    """A number with its 95% interval, JSON-ready; None where either is undefined or does not vary.

    Args:
        value: NaN where undefined.
        standard_error: Of the value.
        num_groups: Groups behind it.
        scale: Of the interval, see `t_interval`.
    """
    if math.isnan(value):
        return {"value": None, "interval": None}
    has_interval = num_groups >= 2 and standard_error > _ROUNDING
    interval = t_interval(value, standard_error, num_groups, scale) if has_interval else None
    return {"value": value, "interval": interval}


def proportion_entry(value: float, standard_error: float, group_sizes: NDArray[np.int64]) -> dict[str, Any]:
    """A share of cases with the Wilson interval of as many independent cases as its standard error is worth.

    Korn and Graubard 1998 (Survey Methodology 24, 193) so count the independent cases; the quantile is Student's. They
    are never more than those of the least design effect of `proportion_bounds`.

    Args:
        value: From 0 to 1.
        standard_error: Of the value; NaN of a single group.
        group_sizes: Cases of each group that the value is a share of.
    """
    num_groups, total = int(np.count_nonzero(group_sizes)), float(group_sizes.sum())
    if num_groups < 2:
        return {"value": value, "interval": None}
    trials = total / float(least_design_effect(np.array(total * min(value, 1 - value)), group_sizes))
    if standard_error > _ROUNDING and 0 < value < 1:
        trials = min(trials, value * (1 - value) / standard_error**2)
    quantile = np.float64(t_quantile(num_groups - 1))
    low, high = score_bounds(np.float64(value), np.float64(trials), quantile)
    return {"value": value, "interval": [max(0.0, float(low)), min(1.0, float(high))]}
