"""Calibration of predicted probabilities, before and after temperature scaling."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.predictions import Predictions
from archnet.evaluation.uncertainty.intervals import Interval, t_interval
from archnet.evaluation.uncertainty.proportions import Counts, proportion_interval, ratio_variance
from archnet.evaluation.uncertainty.ratio import Floats

NUM_BINS: Final = 15
"""Number of equal-mass bins; each excludes its lower end and includes its upper end."""

_NUM_SIMULATIONS: Final = 1000
_MAX_DRAWS: Final = (
    20_000_000  # total number of simulated outcomes; larger sets need fewer simulations, because their errors vary less
)
_CHUNK_DRAWS: Final = 4_000_000  # held at once: 32 MB
_LEAST_SIMULATIONS: Final = 100

_MAX_TEMPERATURE: Final = 50.0
"""Temperatures are searched from 1 / 50 to 50; an optimum outside this range is discarded."""

_LEAST_VARIANCE: Final = 1e-20  # of the Brier score; smaller values are rounding errors

_HALVINGS: Final = 40  # bisections of the logarithmic range, down to a width below 1e-11


def calibration(part: Predictions, positive: int, *, seed: int) -> dict[str, Any]:
    """Calibration of one set's predicted probabilities, JSON-ready.

    With two classes the positive class's probability is evaluated; with more, the probability of the predicted class.
    If cases have soft labels, probabilities are compared with the soft label of the class instead of the hard label.
    Every case counts once, regardless of its weight.

    Args:
        part: The set's cases.
        positive: Index of the positive class.
        seed: Seed of the simulated outcomes.

    Returns:
        `labels` ("soft" with soft labels, else absent), `brier` (Brier 1950; with two classes the mean squared error of
        the positive class's probability, with more the sum of the squared errors of all classes),
        `expected_calibration_error` (Guo et al. 2017, arXiv:1706.04599, in equal-mass bins as in Nixon et al. 2019,
        arXiv:1904.01685: the mean over cases of the gap between share and probability in their bin),
        `error_if_calibrated` (the error of a perfectly calibrated model with the same probabilities: `mean` and
        `percentile_95`; absent with soft labels, which vary less than outcomes), `bins` (`n` cases of mean
        `probability`, and the observed `share`, or the mean soft label, with its `interval`) and `intervals` of the
        Brier score.
    """
    confidences, outcomes, errors = _confidences_and_outcomes(part, positive)
    groups = np.unique(part.groups, return_inverse=True)[1]
    bin_index = _bin_index(confidences)
    bins = _bins(bin_index, confidences, outcomes, groups, is_soft=part.soft is not None)
    gaps = [entry["n"] * abs(entry["share"] - entry["probability"]) for entry in bins]
    return {
        **({} if part.soft is None else {"labels": "soft"}),
        "brier": float(errors.mean()),
        "expected_calibration_error": sum(gaps) / len(errors),
        **(_error_if_calibrated(bin_index, confidences, seed) if part.soft is None else {}),
        "bins": bins,
        "intervals": {"brier": _brier_interval(groups, errors, highest=1 if len(part.classes) == 2 else 2)},
    }


def _error_if_calibrated(bin_index: NDArray[np.int64], confidences: Floats, seed: int) -> dict[str, dict[str, float]]:
    """The calibration error of a perfectly calibrated model with the same probabilities."""
    simulated = _simulated_errors(bin_index, confidences, seed)
    values = {"mean": float(simulated.mean()), "percentile_95": float(np.percentile(simulated, 95))}
    return {"error_if_calibrated": values}


def _confidences_and_outcomes(part: Predictions, positive: int) -> tuple[Floats, Floats, Floats]:
    """The probability, the outcome (0 or 1, or a soft label) and the squared error of each case, each (N,)."""
    truth = np.eye(len(part.classes))[part.y_true] if part.soft is None else part.soft
    squares = (part.probabilities - truth) ** 2
    if len(part.classes) == 2:
        return part.probabilities[:, positive], truth[:, positive], squares[:, positive]
    top_class = part.probabilities.argmax(axis=1)
    rows = np.arange(len(top_class))
    return part.probabilities[rows, top_class], truth[rows, top_class], squares.sum(axis=1)


def _bin_index(confidences: Floats) -> NDArray[np.int64]:
    """The bin of each case; equal probabilities share a bin, so that some bins may be empty."""
    edges = np.quantile(confidences, np.linspace(0, 1, NUM_BINS + 1)[1:-1])
    return np.searchsorted(edges, confidences)


def _bins(
    bin_index: NDArray[np.int64], confidences: Floats, outcomes: Floats, groups: NDArray[np.int64], *, is_soft: bool
) -> list[dict[str, Any]]:
    """The mean predicted probability and the observed share of each non-empty bin."""
    cells, shape = groups * NUM_BINS + bin_index, (int(groups.max()) + 1, NUM_BINS)
    sizes = np.bincount(cells, minlength=math.prod(shape)).reshape(shape)
    hits = np.bincount(cells, outcomes, minlength=math.prod(shape)).reshape(shape)
    sums = np.bincount(bin_index, confidences)
    interval = _mean_interval if is_soft else proportion_interval
    return [
        {
            "n": int(sizes[:, k].sum()),
            "probability": float(sums[k] / sizes[:, k].sum()),
            "share": float(hits[:, k].sum() / sizes[:, k].sum()),
            "interval": interval(hits[:, k], sizes[:, k]),
        }
        for k in np.unique(bin_index)
    ]


def _simulated_errors(bin_index: NDArray[np.int64], confidences: Floats, seed: int) -> Floats:
    """Simulate calibration errors of perfectly calibrated models with independent cases, one per simulation.

    As for the consistency bars of Bröcker and Smith 2007, doi:10.1175/WAF993.1.
    """
    rng, num_cases = np.random.default_rng(seed), len(confidences)
    order = np.argsort(bin_index, kind="stable")
    said = confidences[order]
    starts = np.unique(bin_index[order], return_index=True)[1]
    num_simulations = min(_NUM_SIMULATIONS, max(_LEAST_SIMULATIONS, _MAX_DRAWS // num_cases))
    chunk = max(1, _CHUNK_DRAWS // num_cases)
    errors = []
    for first in range(0, num_simulations, chunk):
        draws = rng.random((min(chunk, num_simulations - first), num_cases)) < said
        errors.append(np.abs(np.add.reduceat(draws - said, starts, axis=1)).sum(axis=1) / num_cases)
    return np.concatenate(errors)


def _brier_interval(groups: NDArray[np.int64], errors: Floats, *, highest: int) -> Interval | None:
    """The interval of a mean of squared errors, on a scale bounded by its range."""
    interval = _mean_interval(np.bincount(groups, errors / highest), np.bincount(groups))
    return interval and [highest * end for end in interval]


def _mean_interval(sums: Counts, sizes: Counts) -> Interval | None:
    """The interval of a mean of values from 0 to 1 on the logit scale, by Student's t over groups.

    Args:
        sums: Sum of the values of each group, shape (G,).
        sizes: Number of values of each group, shape (G,); empty groups do not count.
    """
    mean, variance = sums.sum() / sizes.sum(), float(ratio_variance(sums, sizes))
    if not variance > _LEAST_VARIANCE:  # one group, or no spread, as of a mean of 0 or 1
        return None
    return t_interval(float(mean), math.sqrt(variance), int(np.count_nonzero(sizes)), "logit")


def fit_temperature(part: Predictions) -> float | None:
    """The maximum-likelihood temperature of a set (Guo et al. 2017, arXiv:1706.04599).

    It minimizes the mean cross-entropy, with the soft labels and weights of the cases, if any.

    Returns:
        None if there is no optimum: with all cases classified correctly, it is 0; with cases classified worse than by
        chance, it is infinite.
    """
    logits = _logits(part)
    rows = np.arange(len(part.cases))
    expected = logits[rows, part.y_true] if part.soft is None else (part.soft * logits).sum(axis=1)
    margins = logits - expected[:, np.newaxis]

    def slope(log_temperature: float) -> float:
        """Slope of the negative log-likelihood with respect to 1 / temperature, in which it is convex."""
        probabilities = np.exp(_log_softmax(margins * np.exp(-log_temperature)))
        return float(np.average((probabilities * margins).sum(axis=1), weights=part.weight))

    high = float(np.log(_MAX_TEMPERATURE))
    low = -high
    if not slope(low) > 0 > slope(high):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float(np.exp(low))


def apply_temperature(part: Predictions, temperature: float) -> Predictions:
    """The predictions after temperature scaling, which keeps the order of a case's classes."""
    return replace(part, probabilities=np.exp(_log_softmax(_logits(part) / temperature)))


def _logits(part: Predictions) -> Floats:
    """Logits up to a constant per case; a probability of 0 becomes the smallest positive float32."""
    logits: Floats = np.log(np.maximum(part.probabilities, np.finfo(np.float32).tiny))
    return logits


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised
