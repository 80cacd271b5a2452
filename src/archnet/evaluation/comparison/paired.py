"""Paired differences: two architectures on the same cases, each difference with its 95% interval and p value.

Groups of cases are paired, so that difficulty shared by both architectures cancels out. For an architecture trained
with several seeds, the number is the mean over the seeds (the expected result of one training, not of an ensemble), and
the variance includes that of the seeds; see `seed_variance`. With a single seed, the interval excludes the variance
between trainings.

Interval and p value come from one standard error and Student's t with g - 1 degrees of freedom for g groups (Cameron
and Miller 2015, doi:10.3368/jhr.50.2.317, section VI), so they agree. The standard error is that of linearized sums
over groups for proportions, Obuchowski's (1997, doi:10.2307/2533958) for the area under the ROC curve of two classes,
and that of a bootstrap over groups for the rest. With one case per group, the first two are the paired t test of errors
(in place of McNemar's test) and DeLong's test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archnet.evaluation.comparison.matched_recall import matched_recalls
from archnet.evaluation.comparison.trainings import (
    SeedPredictions,
    Trainings,
    Truth,
    bootstrap,
    estimate_metrics,
)
from archnet.evaluation.uncertainty.intervals import Scale
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.seed_variance import Estimates, difference_entry, scale_covariance
from archnet.spec.metrics import METRICS, metrics_shown_in


def paired_differences(
    reference: Sequence[SeedPredictions],
    other: Sequence[SeedPredictions],
    truth: Truth,
    *,
    bootstraps: int,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """The difference between the other architecture and the reference, for each compared number.

    The metrics of the table are those at each network's own threshold. With two classes, per-class metrics are those of
    the positive class, and recall is also compared at equal false-positive rate and at equal precision: both thresholds
    are moved to the lowest one with no more false positives (no lower precision) than one of the networks has at its
    own threshold; cases with equal scores stay together; the numbers are means over both targets. With more classes,
    per-class metrics are one-vs-rest macro means.

    Args:
        reference: The predictions of the reference, one entry for each seed, of two classes or more.
        other: The same for the other architecture.
        truth: The cases that both classify.
        bootstraps: Number of resamples for numbers without a formula; 0 omits their intervals (None).
        seed: Seed of the resamples.

    Returns:
        The entry of `difference_entry` for each number.
    """
    trainings, num_reference = Trainings([*reference, *other], truth), len(reference)
    names = [metric.name for metric in metrics_shown_in("paired_differences")]
    estimates = estimate_metrics(trainings, names, bootstraps=bootstraps, seed=seed)
    numbers = {name: columns[-1] for name, columns in estimates.items()}
    if truth.num_classes == 2:
        numbers |= estimate_matched_recalls(trainings, num_reference, bootstraps, seed)
    return {name: difference_entry(number, num_reference, _scale(name)) for name, number in numbers.items()}


def _scale(name: str) -> Scale:
    """The scale of a number, including recalls at equal rates, which are not in the table of metrics."""
    return "atanh" if name in METRICS and METRICS[name].range == (-1, 1) else "logit"


def estimate_matched_recalls(
    trainings: Trainings, num_reference: int, bootstraps: int, seed: int = 0
) -> dict[str, Estimates]:
    """The recalls of all trainings at equal false-positive rate and at equal precision; see `paired_differences`."""
    truth = trainings.truth

    def values(weights: Floats) -> Mapping[str, Floats]:
        curves = [rankings[0].counts(weights) for rankings in trainings.rankings]
        return matched_recalls(curves, trainings.matrices(weights), truth.positive, num_reference)

    numbers, covariances = bootstrap(truth, values, len(trainings.predictions), bootstraps, seed)
    is_positive = truth.y_true == truth.positive
    num_groups = min(truth.count_groups(is_positive), truth.count_groups(~is_positive))
    return {
        name: Estimates(
            values=value[:, 0],
            covariance=scale_covariance(covariances[name][0], num_groups),
            num_groups=num_groups,
        )
        for name, value in numbers.items()
    }
