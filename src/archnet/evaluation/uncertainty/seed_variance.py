"""The variance of a mean over trainings: from the choice of cases, and between training seeds.

The mean of a number over S trainings of one architecture has two sources of variance: cases and seeds. The first is the
variance of the mean over groups of cases (`covariance`). The second is the sample variance of the trainings' numbers
divided by S, minus the part caused by the cases, which the first already contains: trainings differ on individual cases
even if neither is better. This is the decomposition of Obuchowski and Rockette 1995 (doi:10.1080/03610919508813243) and
Hillis 2014 (doi:10.1002/sim.5926) for readers who read the images of one modality each; trainings are the readers. The
degrees of freedom are Satterthwaite's (1946, doi:10.2307/3002019), from g - 1 for g groups and S - 1 for each side's
seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archnet.evaluation.uncertainty.intervals import OPEN_RANGES, Interval, Scale, t_interval, t_p_value, t_quantile
from archnet.evaluation.uncertainty.ratio import Floats

_ROUNDING = 1e-9  # smaller standard errors count as 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """One number of M trainings on the same cases.

    Attributes:
        values: Shape (M,); NaN where undefined.
        covariance: Covariance over the choice of cases, shape (M, M); NaN where unknown.
        num_groups: Number of groups of cases that the number depends on.
    """

    values: Floats
    covariance: Floats
    num_groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate:
    """A mean over seeds, or a difference of two, with its uncertainty.

    Attributes:
        value: The mean or difference; NaN where undefined.
        standard_error: Standard error; NaN where unknown, 0 if the resamples or groups do not vary.
        degrees_of_freedom: Degrees of freedom of Student's t.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float

    @property
    def is_testable(self) -> bool:
        """Whether the value is defined, and varies."""
        return self.standard_error > 0

    @property
    def is_identical(self) -> bool:
        """Whether the value is 0 in all resamples or groups."""
        return self.standard_error == 0 and abs(self.value) < _ROUNDING

    @property
    def interval(self) -> Interval | None:
        """The 95% interval, value ± t x standard error; None where the value is undefined or does not vary."""
        if not self.is_testable:
            return None
        half = t_quantile(self.degrees_of_freedom) * self.standard_error
        return [self.value - half, self.value + half]

    @property
    def p(self) -> float | None:
        """The two-sided p value of a difference, below 0.05 if the interval excludes 0; None without an interval."""
        return t_p_value(self.value / self.standard_error, self.degrees_of_freedom) if self.is_testable else None


def mean_over_seeds(estimates: Estimates) -> MeanEstimate:
    """The mean over all trainings of one architecture."""
    return _combine(estimates, [estimates.values.size], [1], float(estimates.values.mean()))


def difference_over_seeds(estimates: Estimates, num_reference: int) -> MeanEstimate:
    """The mean over the other trainings minus that over the first `num_reference`, which are the reference's."""
    first, second = estimates.values[:num_reference], estimates.values[num_reference:]
    return _combine(estimates, [first.size, second.size], [-1, 1], float(second.mean() - first.mean()))


def _combine(estimates: Estimates, num_seeds: Sequence[int], signs: Sequence[int], value: float) -> MeanEstimate:
    """The signed sum of the means over each side's trainings; `num_seeds` lists their numbers."""
    covariance, degrees = estimates.covariance, estimates.num_groups - 1
    if math.isnan(value) or degrees < 1 or not np.isfinite(covariance).all():
        return MeanEstimate(value=value, standard_error=math.nan, degrees_of_freedom=math.nan)
    contrast = np.repeat([sign / num for sign, num in zip(signs, num_seeds, strict=True)], num_seeds)
    parts = [(max(0.0, float(contrast @ covariance @ contrast)), degrees)]
    stops = np.cumsum(num_seeds).tolist()
    sides = [slice(stop - num, stop) for stop, num in zip(stops, num_seeds, strict=True) if num > 1]
    for side in sides:
        parts.append((seed_variance(estimates.values[side], covariance[side, side]), side.stop - side.start - 1))
    variance = sum(part for part, _ in parts)
    if math.sqrt(variance) < _ROUNDING:
        return MeanEstimate(value=value, standard_error=0.0, degrees_of_freedom=degrees)
    return MeanEstimate(
        value=value,
        standard_error=math.sqrt(variance),
        degrees_of_freedom=variance**2 / sum(part**2 / number for part, number in parts),
    )


def seed_variance(values: Floats, covariance: Floats) -> float:
    """The variance of a mean over S seeds that comes from the seeds alone.

    Args:
        values: Values of S trainings, two or more, shape (S,).
        covariance: Covariance over the choice of cases, shape (S, S).

    >>> round(seed_variance(np.array([0.8, 0.9]), np.diag([0.001, 0.001])), 6)  # (0.005 - 0.001) / 2
    0.002
    """
    num_seeds = len(values)
    from_cases = (np.trace(covariance) - covariance.sum() / num_seeds) / (num_seeds - 1)
    return max(0.0, float(values.var(ddof=1) - from_cases)) / num_seeds


def scale_covariance(covariance: Floats, num_groups: int) -> Floats:
    """Correct the bias of a bootstrap covariance: the variance of resamples of g groups is too small by (g - 1) / g."""
    return covariance * (num_groups / (num_groups - 1)) if num_groups > 1 else np.full_like(covariance, np.nan)


def difference_entry(estimates: Estimates, num_reference: int, scale: Scale = "logit") -> dict[str, Any]:
    """The entry of one number in `comparison.json`.

    Args:
        estimates: Estimates of the trainings of both sides, the reference's first.
        num_reference: Trainings of the reference.
        scale: Scale of the numbers. Its range limits the difference, and hence the interval for few groups.

    Returns:
        `reference`, `other` and `difference` (other minus reference), None where undefined; the 95% intervals
        `reference_interval` and `other_interval`, None also at the ends of the range; the 95% `interval` of the
        difference and `p`, None where there are fewer than two groups, no resamples, or the difference does not vary;
        `identical`, whether both are equal in all groups or resamples.
    """
    result = difference_over_seeds(estimates, num_reference)
    lowest, highest = OPEN_RANGES[scale]
    span = highest - lowest
    first, second = estimates.values[:num_reference].mean(), estimates.values[num_reference:].mean()
    return {
        "reference": _number_or_none(first),
        "other": _number_or_none(second),
        "reference_interval": _side_interval(estimates, slice(0, num_reference), scale),
        "other_interval": _side_interval(estimates, slice(num_reference, None), scale),
        "difference": _number_or_none(result.value),
        "interval": result.interval and [max(-span, result.interval[0]), min(span, result.interval[1])],
        "p": result.p,
        "identical": result.is_identical,
    }


def _side_interval(estimates: Estimates, side: slice, scale: Scale) -> Interval | None:
    """The interval of the mean of one side, symmetric on the scale."""
    own = Estimates(
        values=estimates.values[side], covariance=estimates.covariance[side, side], num_groups=estimates.num_groups
    )
    mean = mean_over_seeds(own)
    lowest, highest = OPEN_RANGES[scale]
    if not mean.is_testable or not lowest < mean.value < highest:
        return None
    return t_interval(mean.value, mean.standard_error, mean.degrees_of_freedom + 1, scale)


def _number_or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
