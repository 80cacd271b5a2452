"""Comparison rows: the metrics of an architecture's runs on the compared set, and their costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archnet.evaluation.comparison.mean_intervals import mean_intervals
from archnet.evaluation.comparison.network_form import Form, read_form
from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.metric_entry import Estimate, class_estimate, class_value, macro_estimate, macro_value
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.run_costs import RUN_COSTS
from archnet.spec.metrics import EVALUATED_METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One architecture of a comparison: a single run, or the pooled runs of all folds and seeds.

    Attributes:
        run: Name of the run folder, or of the architecture if there are several runs.
        form: Result of `read_form`.
        folders: The run folders, as given.
        seeds: Seeds of training.
        folds: Folds of a cross-validation, whose cases are evaluated together; empty without one.
        metrics: Metrics of the compared set, as in `metrics.json`; for several seeds, their means, with intervals that
            cover both cases and seeds.
        of_seeds: The same for each seed; empty for a single seed.
        spread: The standard deviation of each metric over the seeds, in the form of `metrics`; None for a single seed.
        train_accuracy: Accuracy on the training cases, mean over the runs; None without a training set.
        costs: The values of `RUN_COSTS`, means over the runs; None where a run does not record one.
    """

    run: str
    form: Form | None
    folders: tuple[str, ...]
    seeds: tuple[int, ...]
    folds: tuple[int, ...]
    metrics: dict[str, Any]
    of_seeds: tuple[dict[str, Any], ...]
    spread: dict[str, Any] | None
    train_accuracy: float | None
    costs: dict[str, float | None]

    def value(self, name: str, class_name: str | None = None) -> float | None:
        """The value of a metric.

        Args:
            name: The metric.
            class_name: One of more than two classes; None means their macro mean. With two classes, the value is that
                of the positive class.
        """
        return self._estimate(name, class_name).value

    def interval(self, name: str, class_name: str | None = None) -> list[float] | None:
        """The 95% interval of `value`."""
        return self._estimate(name, class_name).interval

    def deviation(self, name: str, class_name: str | None = None) -> float | None:
        """The standard deviation of `value` over the seeds; None for a single seed."""
        entry = self.spread and self.spread.get(name)
        number: float | None = macro_value(entry) if class_name is None else class_value(entry, class_name)
        return number

    def _estimate(self, name: str, class_name: str | None) -> Estimate:
        if class_name is None:
            return macro_estimate(self.metrics, name)
        return class_estimate(self.metrics, name, class_name)


def comparison_row(pool: Pool, metrics: Sequence[Mapping[str, Any]], compared_set: str) -> ComparisonRow:
    """Create the row of an architecture.

    Args:
        pool: Its runs.
        metrics: The content of `metrics.json` of each of them.
        compared_set: Name of the set.
    """
    seed_metrics = _metrics_by_seed(pool, metrics[0], compared_set)
    is_mean = len(seed_metrics) > 1
    positive = pool.predictions_by_seed[0].classes.index(metrics[0]["positive"])
    return ComparisonRow(
        run=pool.name,
        form=read_form(pool.folders[0]),
        folders=tuple(map(str, pool.folders)),
        seeds=pool.seeds,
        folds=pool.folds,
        metrics=_mean_metrics(pool, seed_metrics, positive) if is_mean else seed_metrics[0],
        of_seeds=tuple(seed_metrics) if is_mean else (),
        spread=_aggregate_seeds(seed_metrics, _deviation, EVALUATED_METRICS) if is_mean else None,
        train_accuracy=_mean([entry.get("train", {}).get("accuracy") for entry in metrics]),
        costs={cost: _mean([entry.get(cost) for entry in metrics]) for cost in RUN_COSTS},
    )


def _metrics_by_seed(pool: Pool, metrics: Mapping[str, Any], compared_set: str) -> list[dict[str, Any]]:
    """The metrics of each seed: those of its only run, or computed from the pooled cases of its runs."""
    if len(pool.folders) == 1:
        entries = [metrics[compared_set]]
    else:
        evaluations = [
            _evaluate_seed(pool, k, metrics, metrics[compared_set]["threshold"]) for k in range(len(pool.seeds))
        ]
        entries = [sets[compared_set] for sets in evaluations]
    keys = ("n", "threshold", "confusion_matrix", *EVALUATED_METRICS, "intervals")
    return [{key: entry[key] for key in keys} for entry in entries]


def _evaluate_seed(
    pool: Pool, k: int, metrics: Mapping[str, Any], threshold: float | None
) -> dict[str, dict[str, Any]]:
    return evaluate(
        pool.predictions_by_seed[k],
        positive=pool.predictions_by_seed[k].classes.index(metrics["positive"]),
        threshold=threshold,
        bootstraps=pool.bootstraps if len(pool.seeds) == 1 else 0,  # several seeds have a spread instead
    )


def _mean_metrics(pool: Pool, seed_metrics: Sequence[dict[str, Any]], positive: int) -> dict[str, Any]:
    """Means over the seeds, with their intervals."""
    return {
        **_aggregate_seeds(seed_metrics, np.mean),
        "intervals": mean_intervals(pool, positive, seed_metrics[0]["threshold"], seed_metrics[0]["intervals"]),
    }


def _aggregate_seeds(
    entries: Sequence[dict[str, Any]],
    function: Callable[..., Any],
    names: Sequence[str] = ("n", "threshold", "confusion_matrix", *EVALUATED_METRICS),
) -> dict[str, Any]:
    return {name: _aggregate([entry[name] for entry in entries], function) for name in names}


def _aggregate(values: list[Any], function: Callable[..., Any]) -> Any:
    """Apply a function to the numbers, matrices or per-class numbers of several seeds; None where one is undefined."""
    if isinstance(values[0], dict):
        return {key: _aggregate([value[key] for value in values], function) for key in values[0]}
    if any(value is None for value in values):
        return None
    return np.asarray(function(np.asarray(values), axis=0)).tolist()


def _deviation(values: Any, axis: int) -> Any:
    """The sample standard deviation."""
    return np.std(values, axis=axis, ddof=1)


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if len(defined) == len(values) else None
