"""Areas under the ROC curve of clustered cases, with their covariance.

Obuchowski 1997, doi:10.2307/2533958: DeLong's components, summed over each group (scan or patient), since cases of one
group are not independent. With one case per group, this is DeLong's covariance except for sample-size factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.intervals import Interval, t_interval
from archnet.evaluation.uncertainty.ratio import Floats

_LEAST_VARIANCE: Final = 1e-20  # smaller values are rounding errors


class AreaEstimates(NamedTuple):
    """The areas of M networks on the same cases.

    Attributes:
        areas: Shape (M,).
        covariance: Covariance of the areas, shape (M, M).
    """

    areas: Floats
    covariance: Floats


def estimate_areas(
    scores_by_network: Sequence[Sequence[Floats]], is_positive: NDArray[np.bool_], groups: NDArray[np.int64]
) -> AreaEstimates | None:
    """Compute the areas of networks on the same cases, and their covariance over groups.

    Args:
        scores_by_network: For each network, the scores of the cases by each of its trainings, shape (N,); its area is
            the mean over trainings. The covariance covers the choice of cases, not the variance between trainings.
        is_positive: Shape (N,).
        groups: Index of each case's group, shape (N,).

    Returns:
        None if the positive or the negative cases come from fewer than two groups.
    """
    group_positives = np.bincount(groups, is_positive).astype(np.float64)
    group_others = np.bincount(groups, ~is_positive).astype(np.float64)
    if min(np.count_nonzero(group_positives), np.count_nonzero(group_others)) < 2:
        return None
    num_positives, num_others = group_positives.sum(), group_others.sum()
    positive_sums, other_sums, areas = [], [], []
    for scores_by_training in scores_by_network:
        positive_placements, other_placements = mean_placements(scores_by_training, is_positive)
        area = float(positive_placements.mean())
        areas.append(area)
        positive_sums.append(_centred_sums(groups[is_positive], positive_placements, area, len(group_positives)))
        other_sums.append(_centred_sums(groups[~is_positive], other_placements, area, len(group_positives)))
    positive_scale, other_scale = _sample_scale(group_positives), _sample_scale(group_others)
    shared_scale = _sample_scale(group_positives + group_others)
    first, second = np.stack(positive_sums) / num_positives, np.stack(other_sums) / num_others
    cross = first @ second.T
    covariance = positive_scale * first @ first.T + other_scale * second @ second.T + shared_scale * (cross + cross.T)
    return AreaEstimates(areas=np.array(areas), covariance=covariance)


def area_interval(scores: Floats, is_positive: NDArray[np.bool_], groups: NDArray[np.int64]) -> Interval | None:
    """Compute the 95% interval of the area under one ROC curve, symmetric on the logit scale, by Student's t.

    The degrees of freedom are the number of groups with positive cases or of groups with negative cases, whichever is
    smaller, minus 1.

    Args:
        scores: Shape (N,).
        is_positive: Shape (N,).
        groups: Index of each case's group, shape (N,).

    Returns:
        None if the positive or the negative cases come from fewer than two groups, or if all scores are equal.
    """
    estimates = estimate_areas([[scores]], is_positive, groups)
    if estimates is None:
        return None
    area, variance = float(estimates.areas[0]), float(estimates.covariance[0, 0])
    if area in (0.0, 1.0):
        least = 0.025 ** (1 / _num_separate_pairs(is_positive, groups))
        return [least, 1.0] if area else [0.0, 1 - least]
    if variance < _LEAST_VARIANCE:
        return None
    return t_interval(area, variance**0.5, scarcer_groups(is_positive, groups), "logit")


def scarcer_groups(is_positive: NDArray[np.bool_], groups: NDArray[np.int64]) -> int:
    """The number of groups with positive cases or of groups with negative cases, whichever is smaller."""
    return min(len(np.unique(groups[is_positive])), len(np.unique(groups[~is_positive])))


def _num_separate_pairs(is_positive: NDArray[np.bool_], groups: NDArray[np.int64]) -> int:
    """The maximum number of pairs of a positive and a negative case without a shared group.

    They are independent, and each is ranked correctly with a probability equal to the area. So the probability that all
    pairs of all cases are ranked correctly is at most the area to the power of this number, which gives a lower bound
    for an area of 1 as Clopper and Pearson (1934, doi:10.1093/biomet/26.4.404) bound a share of 1.

    The bound is low, 0.398 for eight groups with both kinds of cases, but cannot be improved without assumptions about
    groups. Let a group be bad with probability 1 - q, so that its positive cases rank below and its other cases above
    those of all good groups. Then a pair from two groups is ranked correctly if both are good, and the area is q**2;
    all pairs of eight groups are ranked correctly with probability q**8, the area to the power of four.
    """
    num_groups = len(np.unique(groups))
    return min(num_groups // 2, scarcer_groups(is_positive, groups))


def _centred_sums(groups: NDArray[np.int64], placements: Floats, area: float, num_groups: int) -> Floats:
    """The sum over each group of the differences between placements and the area, (num_groups,)."""
    return np.bincount(groups, placements - area, minlength=num_groups).astype(np.float64)


def _sample_scale(group_sizes: NDArray[np.float64]) -> float:
    """The factor of an unbiased variance over the groups that have cases."""
    num_groups = np.count_nonzero(group_sizes)
    return num_groups / (num_groups - 1)


def mean_placements(scores_by_training: Sequence[Floats], is_positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean placements: the share of negative cases below each positive, and of positive cases above each negative.

    Returns:
        Arrays of shapes (num_positives,) and (num_others,); the mean of each is the mean area.
    """
    pairs = [(scores[is_positive], scores[~is_positive]) for scores in scores_by_training]
    positive_placements = np.mean([_share_below(np.sort(others), positives) for positives, others in pairs], axis=0)
    other_placements = np.mean([1 - _share_below(np.sort(positives), others) for positives, others in pairs], axis=0)
    return positive_placements, other_placements


def _share_below(ordered: Floats, values: Floats) -> Floats:
    """The share of sorted numbers that each value exceeds, ties counted half."""
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    share: Floats = below / (2 * len(ordered))
    return share
