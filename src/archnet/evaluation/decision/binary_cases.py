"""Grouped cases of two classes, and intervals of statistics that are sums over cases."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.intervals import Scale, score_bounds, t_interval, t_quantile
from archnet.evaluation.uncertainty.proportions import least_design_effect
from archnet.evaluation.uncertainty.ratio import Floats

_ROUNDING = 1e-12  # smaller standard errors count as 0


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
        """Number of groups with cases."""
        return len(np.unique(self.groups))

    @cached_property
    def fewest_groups(self) -> int:
        """Number of groups with positive cases or with negative cases, whichever is smaller."""
        return min(len(np.unique(self.groups[rows])) for rows in (self.is_positive, ~self.is_positive))

    def swap(self) -> BinaryCases:
        """The same cases with the classes exchanged."""
        return BinaryCases(scores=-self.scores, is_positive=~self.is_positive, groups=self.groups)

    def standard_error(self, influences: Floats) -> float:
        """The standard error of a statistic over groups, from the influence of each case.

        The variance of a linearized statistic of clusters (Cameron and Miller 2015, doi:10.3368/jhr.50.2.317).

        Args:
            influences: Shape (N,), of sum 0.

        Returns:
            NaN for fewer than two groups.
        """
        if self.num_groups < 2:
            return math.nan
        sums = self.group_sums(influences)
        return math.sqrt(self.num_groups / (self.num_groups - 1) * float(sums @ sums))

    def group_sums(self, influences: Floats) -> Floats:
        """The sum of the influences of each group's cases, shape (G,)."""
        sums: Floats = np.bincount(self.groups, influences).astype(np.float64)
        return sums

    def degrees_of_freedom(self, influences: Floats) -> float:
        """Degrees of freedom of the variance over g groups: 2 g / (kurtosis - 1), which is above 2.

        They are at most one less than the groups of the rarer class.

        Satterthwaite 1946, doi:10.2307/3002019. They are low if few groups account for most of the variance.

        Args:
            influences: Shape (N,), of sum 0, not all 0.
        """
        squares = self.group_sums(influences) ** 2
        kurtosis = self.num_groups * float(squares @ squares) / float(squares.sum()) ** 2
        spread = 2 * self.num_groups / (kurtosis - 1) if kurtosis > 1 else math.inf
        return min(self.fewest_groups - 1, spread)


def estimate_entry(value: float, cases: BinaryCases, influences: Floats, scale: Scale) -> dict[str, Any]:
    """A statistic with its 95% interval over groups, JSON-ready; None if the interval is undefined or has no width.

    Args:
        value: The number.
        cases: Its cases.
        influences: Influence of each case, shape (N,), with sum 0.
        scale: Scale of the interval, see `t_interval`.
    """
    error = cases.standard_error(influences)
    if not error > _ROUNDING or cases.fewest_groups < 2:
        return {"value": value, "interval": None}
    return {"value": value, "interval": t_interval(value, error, cases.degrees_of_freedom(influences) + 1, scale)}


def proportion_entry(
    value: float, cases: BinaryCases, influences: Floats, is_counted: NDArray[np.bool_]
) -> dict[str, Any]:
    """A share of cases with the Wilson interval for the effective sample size that its standard error implies.

    The effective sample size follows Korn and Graubard 1998 (Survey Methodology 24, 193), with Student's quantile. It
    is limited by the smallest design effect of `proportion_bounds`.

    Args:
        value: From 0 to 1.
        cases: All cases.
        influences: Influence of each case on the value, shape (N,), with sum 0.
        is_counted: Cases in the denominator, shape (N,).
    """
    group_sizes = np.bincount(cases.groups[is_counted])
    num_groups, total = int(np.count_nonzero(group_sizes)), float(group_sizes.sum())
    if min(num_groups, cases.fewest_groups) < 2:
        return {"value": value, "interval": None}
    trials = total / float(least_design_effect(np.array(total * min(value, 1 - value)), group_sizes))
    degrees, error = num_groups - 1.0, cases.standard_error(influences)
    if error > _ROUNDING and 0 < value < 1:
        trials = min(trials, value * (1 - value) / error**2)
        degrees = cases.degrees_of_freedom(influences)
    low, high = score_bounds(np.float64(value), np.float64(trials), np.float64(t_quantile(degrees)))
    return {"value": value, "interval": [max(0.0, float(low)), min(1.0, float(high))]}
