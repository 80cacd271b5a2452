"""Intervals of an architecture's means over seeds, which cover the choice of cases and of seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from archnet.evaluation.comparison.pools import Pool, pool_trainings, pool_truth
from archnet.evaluation.comparison.trainings import Trainings, estimate_metrics
from archnet.evaluation.uncertainty.intervals import Interval, Scale, t_interval
from archnet.evaluation.uncertainty.seed_variance import Estimates, mean_over_seeds
from archnet.spec.metrics import EVALUATED_METRICS, METRICS

_SCALES: Final[Mapping[tuple[float, float] | None, Scale]] = {(0, 1): "logit", (-1, 1): "atanh"}


def mean_intervals(
    pool: Pool, positive: int, threshold: float | None, seed_intervals: Mapping[str, Any]
) -> dict[str, Any]:
    """The 95% intervals of the metrics' means over the seeds, by Student's t.

    The variances are those of `seed_variance`. The intervals are symmetric on the logit scale, for the MCC on Fisher's.

    Args:
        pool: Runs of several seeds.
        positive: Index of the positive class, of two.
        threshold: Threshold for two classes.
        seed_intervals: Intervals of the first seed, used for means at an end of their range, where all seeds agree.

    Returns:
        The interval of each metric of `metrics.json`, in the form of its entry; None where undefined.
    """
    truth, classes = pool_truth(pool, positive), pool.predictions_by_seed[0].classes
    trainings = Trainings(pool_trainings(pool, truth, threshold), truth)
    estimates = estimate_metrics(trainings, EVALUATED_METRICS, bootstraps=pool.bootstraps)
    intervals: dict[str, Any] = {}
    for name, columns in estimates.items():
        ends = [_mean_interval(column, name) for column in columns]
        is_at_end = [_is_at_end(column, name) for column in columns]
        intervals[name] = _entry(ends, is_at_end, seed_intervals.get(name), classes)
    return intervals


def _mean_interval(estimates: Estimates, name: str) -> Interval | None:
    mean = mean_over_seeds(estimates)
    if not mean.is_testable or _is_at_end(estimates, name):
        return None
    return t_interval(mean.value, mean.standard_error, mean.degrees_of_freedom + 1, _SCALES[METRICS[name].range])


def _is_at_end(estimates: Estimates, name: str) -> bool:
    return estimates.values.mean() in (METRICS[name].range or ())


def _entry(
    ends: list[Interval | None], is_at_end: list[bool], seed_entry: Any, classes: tuple[str, ...]
) -> Interval | dict[str, Any] | None:
    """The interval of one number, or those of each class and the macro mean, in the form of `metrics.json`."""
    if len(ends) == 1:
        own: Interval | None = seed_entry if is_at_end[0] else ends[0]
        return own
    seed_ends = [*(seed_entry["per_class"][name] for name in classes), seed_entry["macro"]]
    chosen = [one if at_end else end for end, at_end, one in zip(ends, is_at_end, seed_ends, strict=True)]
    return {"macro": chosen[-1], "per_class": dict(zip(classes, chosen[:-1], strict=True))}
