"""95% intervals of proportions for cases grouped by scan or patient.

Wilson's score interval with the effective number of trials: the trials divided by the design effect, which is the
variance of the proportion over groups relative to that of independent trials (Kish 1965, Survey Sampling, section 5.4;
Rao and Scott 1992, doi:10.2307/2532311). Student's t with g - 1 degrees of freedom for g groups replaces the normal
quantile, because the design effect is estimated from the groups. If every trial is a group of its own, this is exactly
Wilson's interval.

Two refinements maintain the coverage where the textbook formula loses it. The variance is that of the delete-one-group
jackknife, equal to the usual one for groups of equal size, and larger if one group dominates. And because a rare
outcome carries little information about the correlation within groups, the intraclass correlation is assumed to be at
least 1 / (m + 1)**2 with m cases of the rarer outcome: 1 for a share of 0 or 1, which means one trial per group, and
negligible from ten cases on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.intervals import NORMAL_QUANTILE, Interval, score_bounds, t_quantiles
from archnet.evaluation.uncertainty.ratio import Floats, ratio

Counts = NDArray[np.float64] | NDArray[np.int64]


def proportion_bounds(successes: Counts, trials: Counts) -> Floats:
    """Compute the lower and upper ends of the interval of each proportion.

    Args:
        successes: Successes of each group, shape (..., G).
        trials: Trials of each group, shape (..., G); groups without trials do not count.

    Returns:
        An array of shape (..., 2); NaN without trials, or if a single group has more than one trial and all others
        none.

    >>> proportion_bounds(np.array([1, 0, 1, 1]), np.array([1, 1, 1, 1])).round(4).tolist()
    [0.3006, 0.9544]
    >>> proportion_bounds(np.array([28, 14, 0, 28]), np.array([28, 28, 28, 28])).round(4).tolist()
    [0.1178, 0.9541]
    """
    num_successes, num_trials = successes.sum(axis=-1), trials.sum(axis=-1)
    num_groups = np.count_nonzero(trials, axis=-1)
    is_independent = num_groups == num_trials
    effect = np.where(is_independent, 1.0, design_effect(successes, trials))
    quantile = np.where(is_independent, NORMAL_QUANTILE, t_quantiles(num_groups - 1))
    return _bounds(num_successes, num_trials, effect, quantile)


def independent_bounds(successes: Counts, trials: Counts) -> Floats:
    """Wilson's interval of each proportion of independent trials.

    Args:
        successes: Shape (...).
        trials: Shape (...).

    Returns:
        Shape (..., 2); NaN without trials.
    """
    return _bounds(successes, trials, np.array(1.0), np.array(NORMAL_QUANTILE))


def _bounds(successes: Counts, trials: Counts, effect: Floats, quantile: Floats) -> Floats:
    """Wilson's interval on the effective number of trials."""
    successes, trials = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    effective_trials = np.where(trials > 0, ratio(trials, effect), np.nan)
    low, high = score_bounds(ratio(successes, trials), effective_trials, quantile)
    low = np.where((successes == 0) & ~np.isnan(low), 0.0, low)
    high = np.where((successes == trials) & ~np.isnan(high), 1.0, high)
    return np.stack([low, high], axis=-1)


def proportion_interval(successes: Counts, trials: Counts) -> Interval | None:
    """The interval of one proportion.

    Args:
        successes: Successes of each group, shape (G,).
        trials: Trials of each group, shape (G,).

    Returns:
        [low, high]; None without trials, or if a single group has more than one trial and all others none.
    """
    bounds = proportion_bounds(successes, trials)
    return None if np.isnan(bounds).any() else bounds.tolist()


def design_effect(successes: Counts, trials: Counts) -> Floats:
    """The design effect: the factor by which grouping increases the variance; at least 1.

    Args:
        successes: Successes of each group, shape (..., G).
        trials: Trials of each group, shape (..., G).

    Returns:
        An array of shape (...); NaN if fewer than two groups have trials.
    """
    num_successes, num_trials = successes.sum(axis=-1), trials.sum(axis=-1)
    share = ratio(num_successes, num_trials)
    estimate = ratio(ratio_variance(successes, trials) * num_trials, share * (1 - share))
    least = least_design_effect(np.minimum(num_successes, num_trials - num_successes), trials)
    effect: Floats = np.where(np.count_nonzero(trials, axis=-1) < 2, np.nan, np.fmax(estimate, least))
    return effect


def least_design_effect(rarer: Counts, trials: Counts) -> Floats:
    """The design effect of the smallest assumed intraclass correlation.

    Args:
        rarer: Cases of the rarer outcome, shape (...).
        trials: Trials of each group, shape (..., G).

    Returns:
        Shape (...); NaN without trials.
    """
    whole_groups = ratio((trials * trials).sum(axis=-1), trials.sum(axis=-1))
    effect: Floats = 1 + (whole_groups - 1) / (rarer + 1) ** 2
    return effect


def ratio_variance(sums: Counts, sizes: Counts) -> Floats:
    """The variance of a mean over grouped cases (a ratio of two sums) by the delete-one-group jackknife.

    Linear in the deviations of the groups (Cochran 1977, Sampling Techniques, section 6.17): a group's deviation is
    divided by the number of cases of all others.

    Args:
        sums: Sums of the values of each group's cases, shape (..., G).
        sizes: Cases of each group, shape (..., G).

    Returns:
        An array of shape (...); NaN if fewer than two groups have cases.
    """
    num_groups = np.count_nonzero(sizes, axis=-1)
    total = sizes.sum(axis=-1, keepdims=True)
    mean = ratio(sums.sum(axis=-1, keepdims=True), total)
    shifts = ratio(sums - mean * sizes, total - sizes)
    variance: Floats = ratio((num_groups - 1.0) * (shifts * shifts).sum(axis=-1), num_groups)
    return variance
