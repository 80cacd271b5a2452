"""Sensitivity at a fixed specificity, and specificity at a fixed sensitivity, on the evaluated cases."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from archnet.evaluation.decision.binary_cases import BinaryCases, proportion_entry
from archnet.evaluation.uncertainty.intervals import NORMAL_QUANTILE
from archnet.evaluation.uncertainty.ratio import Floats

_UNDEFINED = {"value": None, "interval": None}


def sensitivity_at_specificity(cases: BinaryCases, specificity: float) -> dict[str, Any]:
    """The share of positive cases that score above the threshold of a specificity.

    The threshold is the quantile of the negative scores with the given expected specificity (k / (n + 1); Hyndman and
    Fan 1996, doi:10.2307/2684934, type 6), because the empirical ROC curve is optimistic. The interval includes the
    variance of the threshold, by the slope of the ROC curve at this point.

    Args:
        cases: The cases.
        specificity: Between 0 and 1.

    Returns:
        `value` and 95% `interval` over groups; None if there are too few negative cases for the specificity.
    """
    negative, positive = cases.negative_scores, cases.positive_scores
    if not len(positive) or (len(negative) + 1) * min(specificity, 1 - specificity) < 1 - 1e-9:
        return dict(_UNDEFINED)
    threshold = _quantile(negative, specificity)
    is_above = cases.scores > threshold
    value = float(is_above[cases.is_positive].mean())
    negative_share = float(is_above[~cases.is_positive].mean())
    influences = np.where(
        cases.is_positive,
        (is_above - value) / len(positive),
        -_roc_slope(negative, positive, specificity) * (is_above - negative_share) / len(negative),
    )
    return proportion_entry(value, cases, influences, cases.is_positive)


def specificity_at_sensitivity(cases: BinaryCases, sensitivity: float) -> dict[str, Any]:
    """The share of negative cases that score below the threshold of a sensitivity; see `sensitivity_at_specificity`."""
    return sensitivity_at_specificity(cases.swap(), sensitivity)


def _quantile(scores: Floats, share: float) -> float:
    return float(np.quantile(scores, share, method="weibull"))


def _roc_slope(negative: Floats, positive: Floats, specificity: float) -> float:
    """The slope of the ROC curve at a specificity: a difference quotient over Hall and Sheather's bandwidth.

    Hall and Sheather 1988, doi:10.1111/j.2517-6161.1988.tb01735.x.
    """
    normal = NormalDist().inv_cdf(specificity)
    density = np.exp(-(normal**2)) / (2 * np.pi)
    width = len(negative) ** (-1 / 3) * NORMAL_QUANTILE ** (2 / 3) * (1.5 * density / (2 * normal**2 + 1)) ** (1 / 3)
    edge = 1 / (len(negative) + 1)
    low, high = max(specificity - width, edge), min(specificity + width, 1 - edge)
    if high <= low:
        return 0.0
    shares = [float((positive > _quantile(negative, place)).mean()) for place in (low, high)]
    return float((shares[0] - shares[1]) / (high - low))
