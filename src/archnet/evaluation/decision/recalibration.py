"""Logistic recalibration: the slope and the intercept of the best fit of predicted probabilities to outcomes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from archnet.evaluation.decision.binary_cases import BinaryCases, estimate_entry
from archnet.evaluation.uncertainty.ratio import Floats

_NO_ENTRY: Final = {"value": None, "interval": None}
_STEPS = 50
_TOLERANCE = 1e-10
_LARGEST = 1e4  # a larger coefficient means that the scores separate the classes


def recalibration(cases: BinaryCases) -> dict[str, dict[str, Any]]:
    """The calibration slope and intercept of predicted probabilities.

    Cox 1958, doi:10.1093/biomet/45.3-4.562; Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7. The slope is that
    of a logistic regression of the outcome on the logit of the probability: below 1 if probabilities are too extreme.
    The intercept (calibration-in-the-large) is that of the same regression with a slope of 1: below 0 if probabilities
    are too high on average.

    Returns:
        `calibration_slope` and `calibration_intercept`, each with `value` and 95% `interval` (sandwich standard error
        over groups); None if there is no optimum: a single class, scores that separate the classes, or probabilities so
        near 0 and 1 that any shift fits equally well.
    """
    logits = _logits(cases.scores)
    ones = np.ones_like(logits)
    return {
        "calibration_slope": _coefficient(cases, np.stack([logits, ones], axis=1), np.zeros_like(logits)),
        "calibration_intercept": _coefficient(cases, ones[:, None], logits),
    }


def _logits(probabilities: Floats) -> Floats:
    """Logits; a probability of 0 or 1 becomes the nearest other float32 value."""
    tiny = np.finfo(np.float32).tiny
    logits: Floats = np.log(np.maximum(probabilities, tiny)) - np.log(np.maximum(1 - probabilities, tiny))
    return logits


def _sigmoid(logits: Floats) -> Floats:
    from scipy.special import expit

    probabilities: Floats = expit(logits)
    return probabilities


def _coefficient(cases: BinaryCases, columns: Floats, offset: Floats) -> dict[str, Any]:
    """The first coefficient of a logistic regression, and its interval."""
    if not cases.has_both_classes or np.ptp(columns[:, 0]) == 0 < columns.shape[1] - 1:
        return dict(_NO_ENTRY)
    outcomes = cases.is_positive.astype(np.float64)
    coefficients = _fit(columns, offset, outcomes)
    if coefficients is None:
        return dict(_NO_ENTRY)
    probabilities = _sigmoid(offset + columns @ coefficients)
    information = columns.T @ (columns * (probabilities * (1 - probabilities))[:, None])
    influences = (columns * (outcomes - probabilities)[:, None]) @ np.linalg.inv(information)[:, 0]
    return estimate_entry(float(coefficients[0]), cases, influences, "identity")


def _fit(columns: Floats, offset: Floats, outcomes: Floats) -> Floats | None:
    """The maximum-likelihood coefficients by Newton's method with halved steps; None where it does not converge."""
    coefficients = np.zeros(columns.shape[1])
    loss = _loss(columns, offset, outcomes, coefficients)
    for _ in range(_STEPS):
        probabilities = _sigmoid(offset + columns @ coefficients)
        gradient = columns.T @ (outcomes - probabilities)
        information = columns.T @ (columns * (probabilities * (1 - probabilities))[:, None])
        is_flat = np.diag(information).min() < _LARGEST**-2  # the standard error is beyond the largest coefficient
        if is_flat or np.linalg.cond(information) > 1 / np.finfo(np.float64).eps:
            return None
        step = np.linalg.solve(information, gradient)
        for _ in range(_STEPS):
            new_loss = _loss(columns, offset, outcomes, coefficients + step)
            if new_loss <= loss:
                break
            step = step / 2
        coefficients, loss = coefficients + step, new_loss
        if np.abs(coefficients).max() > _LARGEST:
            return None
        if np.abs(step).max() < _TOLERANCE * max(1.0, np.abs(coefficients).max()):
            return coefficients
    return None


def _loss(columns: Floats, offset: Floats, outcomes: Floats, coefficients: Floats) -> float:
    """The negative log-likelihood."""
    logits = offset + columns @ coefficients
    return float(np.logaddexp(0.0, logits).sum() - outcomes @ logits)
