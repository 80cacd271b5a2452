"""Calibration: whether probabilities come true, before and after temperature scaling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Floats
from archnet.evaluation.uncertainty.intervals import (
    Interval,
    can_resample,
    percentile_interval,
    resamples,
    wilson_interval,
)

NUM_BINS: Final = 15
"""Of equal width over [0, 1], each without its lower and with its upper end, as Guo et al. bin."""

_MAX_TEMPERATURE: Final = 50.0
"""Temperatures are looked for from 1 / 50 to 50; a best one beyond is none."""

_HALVINGS: Final = 40  # of the logarithmic range, which narrow it to less than 1e-11


def calibration(part: Predictions, positive: int, *, bootstraps: int, seed: int) -> dict[str, Any]:
    """Calibration of one set's predicted probabilities, JSON-ready.

    With two classes the positive class's probability is evaluated; with more, the probability of the predicted class.

    Args:
        part: The set's cases.
        positive: Index of the class whose recall counts.
        bootstraps: Resamples of groups behind the interval of the Brier score; 0 leaves it out (None).
        seed: Of the resamples.

    Returns:
        `brier` (Brier 1950; of two classes the mean squared error of the positive class's probability, of more the
        sum of the squared errors of all classes), `expected_calibration_error` (Guo et al. 2017, arXiv:1706.04599: the
        mean over cases of how far share and probability lie apart in their bin), `bins` (`n` cases of mean
        `probability`, and the `share` of them that came true with Wilson's `interval`) and `intervals` of the Brier
        score.
    """
    confidences, outcomes, errors = _confidences_and_outcomes(part, positive)
    bins = _bins(confidences, outcomes)
    gaps = [entry["n"] * abs(entry["share"] - entry["probability"]) for entry in bins]
    return {
        "brier": float(errors.mean()),
        "expected_calibration_error": sum(gaps) / len(errors),
        "bins": bins,
        "intervals": {"brier": _mean_interval(part, errors, bootstraps, seed)},
    }


def _confidences_and_outcomes(part: Predictions, positive: int) -> tuple[Floats, Floats, Floats]:
    """The stated probability of each case, whether it came true (0 or 1), and its squared error, each (N,)."""
    truth = np.eye(len(part.classes))[part.y_true]
    squares = (part.probabilities - truth) ** 2
    if len(part.classes) == 2:
        return part.probabilities[:, positive], truth[:, positive], squares[:, positive]
    top_class = part.probabilities.argmax(axis=1)
    rows = np.arange(len(top_class))
    return part.probabilities[rows, top_class], truth[rows, top_class], squares.sum(axis=1)


def _bins(confidences: Floats, outcomes: Floats) -> list[dict[str, Any]]:
    """What is said and what comes true in each bin that has cases."""
    bin_index = np.searchsorted(np.linspace(0, 1, NUM_BINS + 1)[1:-1], confidences)
    sizes = np.bincount(bin_index, minlength=NUM_BINS)
    hits = np.bincount(bin_index, outcomes, minlength=NUM_BINS)
    sums = np.bincount(bin_index, confidences, minlength=NUM_BINS)
    return [
        {
            "n": int(sizes[k]),
            "probability": float(sums[k] / sizes[k]),
            "share": float(hits[k] / sizes[k]),
            "interval": wilson_interval(round(hits[k]), int(sizes[k])),
        }
        for k in np.flatnonzero(sizes)
    ]


def _mean_interval(part: Predictions, errors: Floats, bootstraps: int, seed: int) -> Interval | None:
    """The bootstrap interval of a mean over cases, groups being drawn."""
    names, groups = np.unique(part.groups, return_inverse=True)
    if not can_resample(len(names), bootstraps):
        return None
    sums, sizes = np.bincount(groups, errors), np.bincount(groups)
    draws = resamples(len(names), bootstraps, num_cases=len(names), seed=seed)
    return percentile_interval(np.concatenate([(counts @ sums) / (counts @ sizes) for counts in draws]))


def fit_temperature(part: Predictions) -> float | None:
    """The temperature that makes a set's cases most likely (Guo et al. 2017, arXiv:1706.04599).

    Returns:
        None where no temperature is best: cases told without an error ask for ever smaller ones, cases told worse
        than by chance for ever larger ones.
    """
    logits = _logits(part)
    margins = logits - logits[np.arange(len(part.cases)), part.y_true][:, np.newaxis]

    def slope(log_temperature: float) -> float:
        """Slope of the negative log-likelihood with respect to 1 / temperature, in which it is convex."""
        probabilities = np.exp(_log_softmax(margins * np.exp(-log_temperature)))
        return float((probabilities * margins).sum(axis=1).mean())

    high = float(np.log(_MAX_TEMPERATURE))
    low = -high
    if not slope(low) > 0 > slope(high):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float(np.exp(low))


def apply_temperature(part: Predictions, temperature: float) -> Predictions:
    """The predictions after temperature scaling; the order of a case's classes does not change."""
    return replace(part, probabilities=np.exp(_log_softmax(_logits(part) / temperature)))


def _logits(part: Predictions) -> Floats:
    """Logits up to a constant of each case; a probability of 0 becomes the smallest that float32 knows."""
    logits: Floats = np.log(np.maximum(part.probabilities, np.finfo(np.float32).tiny))
    return logits


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised
