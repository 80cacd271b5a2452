"""Likelihood ratios at the threshold, and the resulting predictive values at any prevalence."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.decision.binary_cases import BinaryCases
from archnet.evaluation.uncertainty.intervals import NORMAL_QUANTILE, Interval, t_quantile
from archnet.evaluation.uncertainty.proportions import proportion_interval

PREVALENCES: Final = (0.01, 0.02, 0.05, 0.1)
"""Prevalences in the table, in addition to that of the data."""


def likelihood_ratios(cases: BinaryCases, threshold: float) -> dict[str, dict[str, Any]]:
    """Compute the likelihood ratios of a positive and a negative prediction.

    Args:
        cases: The cases.
        threshold: A case is predicted as positive from this probability on.

    Returns:
        `positive` (sensitivity / (1 - specificity)) and `negative` ((1 - sensitivity) / specificity), each with `value`
        and 95% `interval`. Its width on the logarithmic scale follows from the standard error over groups, and is at
        least that for independent cases with half a case added to each cell (as in Mercaldo, Lau and Zhou 2007,
        doi:10.1002/sim.2677). Infinite values and upper ends are None.
    """
    is_predicted = cases.scores >= threshold
    return {"positive": _ratio(cases, is_predicted), "negative": _ratio(cases, ~is_predicted)}


def _ratio(cases: BinaryCases, is_predicted: NDArray[np.bool_]) -> dict[str, Any]:
    """The share of positive cases with a given prediction divided by that of negative cases."""
    if not cases.has_both_classes:
        return {"value": None, "interval": None}
    totals = [int(rows.sum()) for rows in (cases.is_positive, ~cases.is_positive)]
    counts = [int((rows & is_predicted).sum()) for rows in (cases.is_positive, ~cases.is_positive)]
    shares = [(count + 0.5) / (total + 1) for count, total in zip(counts, totals, strict=True)]
    if not any(counts):
        return {"value": None, "interval": None}
    value = counts[0] * totals[1] / (counts[1] * totals[0]) if counts[1] else None
    if cases.fewest_groups < 2:
        return {"value": value, "interval": None}
    centre = math.log(value) if value else math.log(shares[0] / shares[1])
    half = _log_half_width(cases, is_predicted, totals, shares)
    low, high = math.exp(centre - half), math.exp(centre + half)
    interval: list[float | None] = [low if counts[0] else 0.0, high if counts[1] else None]
    return {"value": value, "interval": interval}


def _log_half_width(
    cases: BinaryCases, is_predicted: NDArray[np.bool_], totals: list[int], shares: list[float]
) -> float:
    """Half the 95% interval of the ratio's logarithm: over groups, and not below that of independent cases."""
    independent = sum((1 - share) / (share * (total + 1)) for share, total in zip(shares, totals, strict=True))
    influences = np.zeros(len(cases.scores))
    for rows, total, share, sign in zip((cases.is_positive, ~cases.is_positive), totals, shares, (1, -1), strict=True):
        residuals = is_predicted[rows] - is_predicted[rows].mean()
        influences[rows] = sign * residuals / (total * share)
    least = NORMAL_QUANTILE * math.sqrt(independent)
    error = cases.standard_error(influences)
    return max(least, t_quantile(cases.degrees_of_freedom(influences)) * error) if error > 0 else least


def own_predictive_values(cases: BinaryCases, threshold: float) -> dict[str, Any]:
    """The predictive values at the prevalence of the cases, as shares of positive and of negative predictions.

    Args:
        cases: The cases.
        threshold: A case is predicted as positive from this probability on.

    Returns:
        As `predictive_values`; the intervals include the variance of the prevalence.
    """
    is_predicted = cases.scores >= threshold
    return {
        "prevalence": float(cases.is_positive.mean()),
        "ppv": _share(cases, cases.is_positive, is_predicted),
        "npv": _share(cases, ~cases.is_positive, ~is_predicted),
    }


def _share(cases: BinaryCases, is_right: NDArray[np.bool_], is_counted: NDArray[np.bool_]) -> dict[str, Any]:
    """The share of correct predictions among the counted cases."""
    if not is_counted.any():
        return {"value": None, "interval": None}
    num_right, num_counted = np.bincount(cases.groups, is_counted & is_right), np.bincount(cases.groups, is_counted)
    return {
        "value": float(num_right.sum() / num_counted.sum()),
        "interval": proportion_interval(num_right, num_counted),
    }


def predictive_values(ratios: dict[str, dict[str, Any]], prevalence: float) -> dict[str, Any]:
    """Compute the positive and negative predictive values at a prevalence by Bayes' theorem.

    Args:
        ratios: Result of `likelihood_ratios`.
        prevalence: Prevalence of the positive class, from 0 to 1.

    Returns:
        `prevalence`, `ppv` and `npv`, the last two with `value` and 95% `interval`; None where undefined.
    """
    positive, negative = ratios["positive"], ratios["negative"]
    ppv = _probability(positive, prevalence)
    complement = _probability(negative, prevalence)
    npv: dict[str, Any] = {"value": None if complement["value"] is None else 1 - complement["value"], "interval": None}
    if complement["interval"] is not None:
        npv["interval"] = [1 - end for end in reversed(complement["interval"])]
    return {"prevalence": prevalence, "ppv": ppv, "npv": npv}


def _probability(ratio: dict[str, Any], prevalence: float) -> dict[str, Any]:
    """The probability of the positive class after a prediction."""
    value, interval = ratio["value"], ratio["interval"]
    if value is None and interval is None:
        return {"value": None, "interval": None}
    ends: Interval | None = None if interval is None else [_posterior(end, prevalence) for end in interval]
    return {"value": _posterior(value, prevalence), "interval": ends}


def _posterior(ratio: float | None, prevalence: float) -> float:
    """The posterior probability by odds; a ratio of None is infinite.

    >>> _posterior(3.0, 0.25), _posterior(None, 0.1)
    (0.5, 1.0)
    """
    if ratio is None:
        return 1.0
    return prevalence * ratio / (prevalence * ratio + 1 - prevalence)
