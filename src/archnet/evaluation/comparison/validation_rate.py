"""Recall at equal validation false-positive rates: both thresholds are fixed without using the compared set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.comparison.trainings import Truth
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import ranking
from archnet.evaluation.uncertainty.clustered_proportions import estimate_proportions
from archnet.evaluation.uncertainty.intervals import Interval
from archnet.evaluation.uncertainty.proportions import proportion_interval
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.seed_variance import difference_entry

RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE: Final = "recall_at_validation_false_positive_rate"

MIN_VALIDATION_OTHERS: Final = 20
"""Minimum number of negative cases in each run's validation set for a fixed false-positive rate.

With n of them the rate has steps of 1/n, so fewer than 20 cannot express 5%. Two equally good networks whose
thresholds have the same rate in validation differ by chance in their rates in new cases: with a correlation of 0.5 and
an AUC of 0.86 by 16 percentage points (standard deviation) for n = 5, by 13 for 10, 10 for 20, and 7 for 50."""

_LEAST_SHARE: Final = 0.5  # minimum share of the target rate that a run with tied scores must reach


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedRuns:
    """The runs of one training on two classes, one for each fold.

    Attributes:
        scores: Probability of the positive class for each compared case, shape (N,).
        run_of_case: Index of the run that predicted it, shape (N,).
        validation: Validation cases of each run.
    """

    scores: Floats
    run_of_case: NDArray[np.int64]
    validation: Sequence[Predictions]


def recall_at_validation_rate(
    sides: tuple[Sequence[SeedRuns], Sequence[SeedRuns]], thresholds: tuple[float, float], truth: Truth
) -> dict[str, Any] | None:
    """The difference in recall at equal validation false-positive rates.

    The rate is the mean of the two networks' false-positive rates in validation at their configured thresholds, each a
    mean over the network's runs. Each run uses the lowest threshold whose rate in its validation set does not exceed it
    to classify its compared cases. The interval covers the choice of compared cases, conditional on the thresholds.

    Args:
        sides: The reference's and the other's trainings, one for each seed.
        thresholds: Configured thresholds of both sides.
        truth: The compared cases.

    Returns:
        The entry of `difference_entry`, and `false_positive_rate`, the target; `operating_points`, with for "reference"
        and "other" the `threshold` (None for several runs), `validation_false_positive_rate` (the rate reached, mean
        over runs), and in the compared set `true_positives`, `positives`, `false_positives` and `others` (integers for
        a single seed, else means). None if a validation set has no positive case or fewer than `MIN_VALIDATION_OTHERS`
        negative ones, if the compared set lacks a class, or if tied scores keep a run's rate below half the target, as
        with predictions of 0 and 1.
    """
    runs = [[part for training in side for part in training.validation] for side in sides]
    if len(np.unique(truth.y_true)) < 2 or not all(_can_fix_rate(part, truth) for side in runs for part in side):
        return None
    own_rates = [
        np.mean([_false_positive_rate(part, truth, threshold) for part in side])
        for side, threshold in zip(runs, thresholds, strict=True)
    ]
    target = float(own_rates[0] + own_rates[1]) / 2
    chosen = [[_thresholds(training, truth, target) for training in side] for side in sides]
    thresholds_of_runs = [np.concatenate(side).tolist() for side in chosen]
    if not all(
        _reaches(part, truth, threshold, target)
        for side, side_thresholds in zip(runs, thresholds_of_runs, strict=True)
        for part, threshold in zip(side, side_thresholds, strict=True)
    ):
        return None
    detected = [
        [training.scores >= own[training.run_of_case] for training, own in zip(side, side_thresholds, strict=True)]
        for side, side_thresholds in zip(sides, chosen, strict=True)
    ]
    is_positive = np.equal(truth.y_true, truth.positive)[:, None]
    flags = np.stack([*detected[0], *detected[1]], axis=1)
    estimates = estimate_proportions(flags & is_positive, np.broadcast_to(is_positive, flags.shape), truth.groups)
    points = [
        _operating_point(side, np.concatenate(side_thresholds), side_flags, truth)
        for side, side_thresholds, side_flags in zip(runs, chosen, detected, strict=True)
    ]
    return {
        **difference_entry(estimates, len(sides[0])),
        **_single_intervals(detected, truth),
        "false_positive_rate": target,
        "operating_points": {"reference": points[0], "other": points[1]},
    }


def _can_fix_rate(part: Predictions, truth: Truth) -> bool:
    num_others = fewest_others([part], truth.positive)
    return num_others >= MIN_VALIDATION_OTHERS and num_others < len(part.y_true)


def fewest_others(validation: Iterable[Predictions], positive: int) -> int:
    """The smallest number of negative cases in any of the validation sets."""
    return min(int(np.count_nonzero(part.y_true != positive)) for part in validation)


def _false_positive_rate(part: Predictions, truth: Truth, threshold: float) -> float:
    others = part.probabilities[part.y_true != truth.positive, truth.positive]
    return float(np.mean(others >= threshold))


def _thresholds(training: SeedRuns, truth: Truth, rate: float) -> Floats:
    """The threshold of each run of a training."""
    return np.array(
        [
            lowest_threshold(part.probabilities[:, truth.positive], part.y_true == truth.positive, rate)
            for part in training.validation
        ]
    )


def _reaches(part: Predictions, truth: Truth, threshold: float, target: float) -> bool:
    """Whether a threshold's false-positive rate is within one case of the target, or at least half of it."""
    num_others = np.count_nonzero(part.y_true != truth.positive)
    return target - _false_positive_rate(part, truth, threshold) < max(1 / num_others, (1 - _LEAST_SHARE) * target)


def lowest_threshold(scores: Floats, is_positive: NDArray[np.bool_], rate: float) -> float:
    """The lowest of the scores at which the false-positive rate does not exceed a rate.

    Args:
        scores: Scores of cases of both classes, shape (N,).
        is_positive: Shape (N,).
        rate: Maximum false-positive rate.

    Returns:
        A score, or a number just above the highest score if even that has too many false positives.

    >>> scores, is_positive = np.array([0.9, 0.8, 0.6, 0.4, 0.2]), np.array([True, False, True, False, False])
    >>> [lowest_threshold(scores, is_positive, rate) for rate in (0.0, 1 / 3, 1.0)]
    [0.9, 0.6, 0.2]
    """
    case_ranking = ranking(scores, is_positive)
    false_positives = case_ranking.counts(np.ones(len(scores)))[1]
    allowed = rate * false_positives[-1] * (1 + 1e-12)  # a mean of rates may be too low by a rounding error
    steps = int(np.sum(false_positives <= allowed))
    if not steps:
        return float(np.nextafter(case_ranking.thresholds[0], np.inf))
    return float(case_ranking.thresholds[steps - 1])


def _single_intervals(detected: Sequence[Sequence[NDArray[np.bool_]]], truth: Truth) -> dict[str, Interval | None]:
    """The interval of the recall of each side with a single training, computed as for a single run."""
    is_positive = truth.y_true == truth.positive
    trials = np.bincount(truth.groups, is_positive)
    return {
        f"{name}_interval": proportion_interval(np.bincount(truth.groups, flags[0] & is_positive), trials)
        for name, flags in zip(("reference", "other"), detected, strict=True)
        if len(flags) == 1
    }


def _operating_point(
    runs: Sequence[Predictions], thresholds: Floats, flags: Sequence[NDArray[np.bool_]], truth: Truth
) -> dict[str, Any]:
    """The operating point of one side; `flags` mark the positive predictions of each training, (N,)."""
    is_positive = truth.y_true == truth.positive
    rates = [_false_positive_rate(part, truth, own) for part, own in zip(runs, thresholds.tolist(), strict=True)]
    return {
        "threshold": float(thresholds[0]) if len(thresholds) == 1 else None,
        "validation_false_positive_rate": float(np.mean(rates)),
        "true_positives": _mean_count([np.sum(one & is_positive) for one in flags]),
        "positives": int(is_positive.sum()),
        "false_positives": _mean_count([np.sum(one & ~is_positive) for one in flags]),
        "others": int((~is_positive).sum()),
    }


def _mean_count(counts: Sequence[np.int64]) -> float:
    return int(counts[0]) if len(counts) == 1 else float(np.mean(counts))
