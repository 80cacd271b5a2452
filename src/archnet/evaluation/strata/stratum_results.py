"""Results of networks in a stratum: recall (macro recall with more than two classes) and area under the ROC curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import number_or_none
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.strata.stratification import Stratification, Stratum
from archnet.evaluation.uncertainty.clustered_auc import area_interval, estimate_areas, mean_placements, scarcer_groups
from archnet.evaluation.uncertainty.clustered_proportions import estimate_proportions
from archnet.evaluation.uncertainty.intervals import Interval, t_interval
from archnet.evaluation.uncertainty.proportions import proportion_interval
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.seed_variance import Estimates, mean_over_seeds

MIN_CASES: Final = 10
MIN_GROUPS: Final = 5
"""A stratum with fewer cases in the denominator of its recall, or cases from fewer groups, is marked as small."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedCases:
    """Predictions of M trainings for N cases.

    Attributes:
        is_right: Whether a training classifies a case correctly, shape (N, M).
        scores: Probability of the positive class, shape (N, M); None for more than two classes.
        is_positive: Shape (N,).
        members: Membership in each class with a recall, shape (N, C): the positive one of two classes, or all of more.
        groups: Index of each case's group, shape (N,).
    """

    is_right: NDArray[np.bool_]
    scores: Floats | None
    is_positive: NDArray[np.bool_]
    members: NDArray[np.bool_]
    groups: NDArray[np.int64]

    @property
    def measure(self) -> str:
        """Name of the metric: the recall of the positive class, or the mean over all classes."""
        return "recall" if self.members.shape[1] == 1 else "macro_recall"

    @property
    def is_counted(self) -> NDArray[np.bool_]:
        """Cases that count in the metric, shape (N,)."""
        is_member: NDArray[np.bool_] = np.any(self.members, axis=1)
        return is_member


def judge_cases(trainings: Sequence[Predictions], *, positive: int, thresholds: Sequence[float | None]) -> JudgedCases:
    """Gather the predictions of trainings for the same cases.

    Args:
        trainings: The predictions of each training, with cases in the same order.
        positive: Index of the positive class.
        thresholds: Threshold of each training.
    """
    first = trainings[0]
    predicted = [
        one.predicted_classes(positive=positive, threshold=threshold)
        for one, threshold in zip(trainings, thresholds, strict=True)
    ]
    is_binary = len(first.classes) == 2
    classes = [positive] if is_binary else range(len(first.classes))
    return JudgedCases(
        is_right=np.stack([y_pred == first.y_true for y_pred in predicted], axis=1),
        scores=np.stack([one.probabilities[:, positive] for one in trainings], axis=1) if is_binary else None,
        is_positive=first.y_true == positive,
        members=first.y_true[:, None] == np.array(classes),
        groups=np.unique(first.groups, return_inverse=True)[1],
    )


def stratum_size(cases: JudgedCases, stratum: Stratum) -> dict[str, Any]:
    """Cases, positive cases and groups of a stratum, and whether it is small."""
    counted = stratum.rows & cases.is_counted
    num_groups = len(np.unique(cases.groups[counted]))
    return {
        "name": stratum.name,
        "n": int(stratum.rows.sum()),
        "positives": int((stratum.rows & cases.is_positive).sum()),
        "groups": num_groups,
        "is_small": bool(counted.sum() < MIN_CASES or num_groups < MIN_GROUPS),
    }


def stratum_results(cases: JudgedCases, stratification: Stratification, stratum: Stratum) -> dict[str, Any]:
    """The results of one network in a stratum, averaged over its trainings, JSON-ready.

    Args:
        cases: Cases of the trainings of one network.
        stratification: The stratification of the stratum.
        stratum: The stratum.

    Returns:
        The recall (macro recall) and, with two classes, the `auc`, with their 95% `intervals`; None where undefined.
    """
    share = estimate_share(cases, stratum)
    values, intervals = {cases.measure: share.values.mean()}, {cases.measure: _share_interval(cases, stratum, share)}
    if cases.scores is not None:
        area = estimate_area(cases, stratification, stratum)
        values["auc"], intervals["auc"] = area.values.mean(), _area_interval(cases, stratification, stratum, area)
    return {**{name: number_or_none(value) for name, value in values.items()}, "intervals": intervals}


def estimate_share(cases: JudgedCases, stratum: Stratum) -> Estimates:
    """The recall (macro recall) of each training in a stratum, with their covariance."""
    rows = stratum.rows & cases.is_counted
    if not rows.any():
        return _undefined(cases)
    is_right, groups = cases.is_right[rows, :, None], np.unique(cases.groups[rows], return_inverse=True)[1]
    members = np.broadcast_to(cases.members[rows, None, :], (*is_right.shape[:2], cases.members.shape[1]))
    return estimate_proportions(is_right & members, members, groups)


def estimate_area(cases: JudgedCases, stratification: Stratification, stratum: Stratum) -> Estimates:
    """The area under the ROC curve of each training in a stratum, with their covariance, for two classes.

    Where only positive cases have the attribute, they are ranked against all other cases.
    """
    rows = _ranked_rows(cases, stratification, stratum)
    is_positive, groups = cases.is_positive[rows], cases.groups[rows]
    if cases.scores is None or is_positive.all() or not is_positive.any():
        return _undefined(cases)
    columns = list(cases.scores[rows].T)
    estimates = estimate_areas([[column] for column in columns], is_positive, groups)
    num_groups = scarcer_groups(is_positive, groups)
    if estimates is not None:
        return Estimates(values=estimates.areas, covariance=estimates.covariance, num_groups=num_groups)
    areas = [mean_placements([column], is_positive)[0].mean() for column in columns]  # a single group: unknown variance
    return Estimates(values=np.array(areas), covariance=_undefined(cases).covariance, num_groups=num_groups)


def _ranked_rows(cases: JudgedCases, stratification: Stratification, stratum: Stratum) -> NDArray[np.bool_]:
    return stratum.rows | ~cases.is_positive if stratification.is_of_positives else stratum.rows


def _undefined(cases: JudgedCases) -> Estimates:
    num_trainings = cases.is_right.shape[1]
    return Estimates(
        values=np.full(num_trainings, np.nan), covariance=np.full((num_trainings, num_trainings), np.nan), num_groups=0
    )


def _share_interval(cases: JudgedCases, stratum: Stratum, share: Estimates) -> Interval | None:
    """The interval of one training, or of the mean over several."""
    rows = stratum.rows & cases.is_counted
    if not rows.any() or cases.members.shape[1] > 1:
        return _t_interval(share)
    is_first_right = cases.is_right[rows, 0]
    groups = np.unique(cases.groups[rows], return_inverse=True)[1]
    own = proportion_interval(np.bincount(groups, is_first_right), np.bincount(groups).astype(np.float64))
    return _mean_interval(share, own)


def _area_interval(
    cases: JudgedCases, stratification: Stratification, stratum: Stratum, area: Estimates
) -> Interval | None:
    rows = _ranked_rows(cases, stratification, stratum)
    if cases.scores is None or math.isnan(area.values[0]):
        return None
    return _mean_interval(area, area_interval(cases.scores[rows, 0], cases.is_positive[rows], cases.groups[rows]))


def _mean_interval(estimates: Estimates, own: Interval | None) -> Interval | None:
    """The interval of a mean over trainings on the logit scale; for one training or at 0 and 1, its own."""
    is_at_end = mean_over_seeds(estimates).value in (0.0, 1.0)
    return own if estimates.values.size == 1 or is_at_end else _t_interval(estimates)


def _t_interval(estimates: Estimates) -> Interval | None:
    """The interval of a mean over trainings, on the logit scale; None at 0 and 1 and where it cannot be estimated."""
    mean = mean_over_seeds(estimates)
    if not mean.is_testable:
        return None
    return t_interval(mean.value, mean.standard_error, mean.degrees_of_freedom + 1, "logit")
