"""95% intervals: Wilson's for independent cases, Student's t for estimates from groups, bootstrap over groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Interval = list[float]

Scale = Literal["identity", "logit", "atanh"]

NORMAL_QUANTILE: Final = 1.959963984540054
"""The 97.5% point of the normal distribution."""

_MAX_WEIGHTS = 4_000_000  # weights held at once: 32 MB

_NO_SPREAD: Final = 1e-12  # smaller standard deviations are rounding errors


def wilson_interval(successes: int, trials: int) -> Interval | None:
    """The 95% score interval of a proportion (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Returns:
        [low, high], or None without trials.

    >>> [round(end, 4) for end in wilson_interval(218, 281)]
    [0.7235, 0.8207]
    """
    if trials == 0:
        return None
    low, high = expected_interval(successes / trials, trials)
    return [0.0 if successes == 0 else low, 1.0 if successes == trials else high]


def expected_interval(share: float, trials: float, quantile: float = NORMAL_QUANTILE) -> Interval:
    """The 95% score interval expected for a proportion, by Wilson's formula with non-integer counts.

    Args:
        share: The expected proportion.
        trials: Number of independent trials, above 0.
        quantile: Quantile of the standardized error; for grouped trials, that of Student's t.

    >>> [round(end, 3) for end in expected_interval(0.9, 27)]
    [0.733, 0.967]
    """
    low, high = score_bounds(np.float64(share), np.float64(trials), np.float64(quantile))
    return [float(low), float(high)]


def score_bounds(
    share: NDArray[np.float64] | np.float64,
    trials: NDArray[np.float64] | np.float64,
    quantile: NDArray[np.float64] | np.float64,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of Wilson's score interval of proportions.

    Args:
        share: Observed or expected.
        trials: Number of independent trials, above 0.
        quantile: Quantile of the distribution of the standardized error.

    Returns:
        Lower and upper ends; NaN where an argument is.
    """
    spread = quantile * quantile / trials
    centre = (share + spread / 2) / (1 + spread)
    half = quantile / (1 + spread) * np.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return centre - half, centre + half


def effective_trials(group_sizes: Sequence[int]) -> float:
    """The effective number of independent trials if all cases of a group succeed or fail together.

    Kish 1965, Survey Sampling, section 5.4: the design effect of an intraclass correlation of 1. Groups of equal size
    count as one trial each, groups of unequal size as less.

    >>> effective_trials([5, 5, 5]), effective_trials([1, 1, 8])
    (3.0, 1.5151515151515151)
    """
    return sum(group_sizes) ** 2 / sum(size * size for size in group_sizes)


def t_quantile(degrees_of_freedom: float) -> float:
    """The 97.5% point of Student's t distribution.

    >>> round(t_quantile(6), 4), round(t_quantile(1e9), 4)
    (2.4469, 1.96)
    """
    from scipy.special import stdtrit  # slow to import; documents are read without it

    return float(stdtrit(degrees_of_freedom, 0.975))


def t_quantiles(degrees_of_freedom: NDArray[np.int64]) -> NDArray[np.float64]:
    """The 97.5% points of Student's t distributions; NaN without a degree of freedom."""
    from scipy.special import stdtrit

    quantiles: NDArray[np.float64] = np.where(
        degrees_of_freedom < 1, np.nan, stdtrit(np.maximum(degrees_of_freedom, 1), 0.975)
    )
    return quantiles


def t_p_value(t: float, degrees_of_freedom: float) -> float:
    """The two-sided p value of a t statistic.

    >>> round(t_p_value(2.4469, 6), 3)
    0.05
    """
    from scipy.special import stdtr

    return float(2 * stdtr(degrees_of_freedom, -abs(t)))


def t_interval(value: float, standard_error: float, num_groups: float, scale: Scale = "identity") -> Interval:
    """The 95% interval of an estimate from groups, by Student's t with num_groups - 1 degrees of freedom.

    Args:
        value: The estimate, inside the open range of the scale.
        standard_error: Standard error of the value itself, not of the transformed one (delta method).
        num_groups: Two or more.
        scale: Scale on which the interval is symmetric: "logit" for numbers from 0 to 1, "atanh" for those from -1 to
            1.

    >>> [round(end, 3) for end in t_interval(0.9, 0.03, 20, "logit")]
    [0.818, 0.948]
    """
    to_scale, from_scale, slope = _SCALES[scale]
    half = t_quantile(num_groups - 1) * standard_error * slope(value)
    return [from_scale(to_scale(value) - half), from_scale(to_scale(value) + half)]


def _from_logit(number: float) -> float:
    from scipy.special import expit

    return float(expit(number))


_SCALES: Final[Mapping[str, tuple[Callable[[float], float], Callable[[float], float], Callable[[float], float]]]] = {
    "identity": (float, float, lambda value: 1.0),
    "logit": (
        lambda value: math.log(value / (1 - value)),
        _from_logit,
        lambda value: 1 / (value * (1 - value)),
    ),
    "atanh": (math.atanh, math.tanh, lambda value: 1 / (1 - value * value)),
}
"""The transformation of each scale, its inverse and its derivative."""

OPEN_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "identity": (-math.inf, math.inf),
    "logit": (0.0, 1.0),
    "atanh": (-1.0, 1.0),
}
"""The open range of each scale."""


def can_resample(num_groups: int, bootstraps: int) -> bool:
    """Whether a bootstrap is possible: resamples are requested, and there are groups to draw from."""
    return num_groups >= 2 and bootstraps > 0


def resamples(num_groups: int, bootstraps: int, *, num_cases: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Draw bootstrap resamples of groups with replacement: the count of each group in each resample.

    Cases of one group share a patient, so groups, not cases, are independent (Davison and Hinkley
    1997, doi:10.1017/CBO9780511802843, section 3.8).

    Args:
        num_groups: Number of groups, and of draws in each resample.
        bootstraps: Total number of resamples.
        num_cases: Number of cases of all groups; the case weights of a chunk of resamples fit in memory.
        seed: Equal seeds give equal resamples.

    Yields:
        Counts of shape (chunk, num_groups), until `bootstraps` rows were given.
    """
    rng = np.random.default_rng(seed)
    chunk = max(1, _MAX_WEIGHTS // max(num_cases, num_groups))
    for start in range(0, bootstraps, chunk):
        num = min(chunk, bootstraps - start)
        draws = rng.integers(num_groups, size=(num, num_groups))
        draws += num_groups * np.arange(num)[:, None]
        counts = np.bincount(draws.ravel(), minlength=num * num_groups)
        yield counts.reshape(num, num_groups).astype(np.float64)


def bootstrap_t_interval(value: float, samples: NDArray[np.float64], num_groups: int, scale: Scale) -> Interval | None:
    """The 95% interval of an estimate by Student's t, with the standard error of its bootstrap over groups.

    The bootstrap variance has the number of groups g as divisor, so it is multiplied by g / (g - 1), as for a mean
    (Davison and Hinkley 1997, doi:10.1017/CBO9780511802843, section 2.3).

    Args:
        value: The estimate.
        samples: Its bootstrapped values, NaN where undefined, shape (B,).
        num_groups: Number of groups that determine the precision of the estimate.
        scale: Scale on which the interval is symmetric.

    Returns:
        None if the uncertainty cannot be estimated: fewer than two groups, a value at an end of the scale, samples that
        are all equal, or more undefined samples than defined ones.
    """
    defined = samples[~np.isnan(samples)]
    if num_groups < 2 or len(defined) < max(2, len(samples) / 2) or not _is_inside(value, scale):
        return None
    deviation = float(np.std(defined, ddof=1))
    if deviation < _NO_SPREAD:
        return None
    return t_interval(value, deviation * math.sqrt(num_groups / (num_groups - 1)), num_groups, scale)


def _is_inside(value: float, scale: Scale) -> bool:
    """Whether a value is in the open range of a scale; false for NaN."""
    low, high = OPEN_RANGES[scale]
    return low < value < high
