"""Pareto front of the trials of a sweep, and the importance of each hyperparameter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from archnet.spec.sweeps.search_space import Choice, Hyperparameter, grid_values

NUM_BINS: Final = 4
"""Number of groups of about equal size into which the values of a continuous hyperparameter are binned."""


def pareto_front(costs: Sequence[float], losses: Sequence[float]) -> list[int]:
    """Indices of the points on the Pareto front, in ascending order of cost.

    Args:
        costs: The first objective; lower is better.
        losses: The second objective; lower is better.

    >>> pareto_front([3, 1, 2, 2], [0.1, 0.5, 0.6, 0.3])
    [1, 3, 0]
    """
    front: list[int] = []
    for index in sorted(range(len(costs)), key=lambda index: (costs[index], losses[index], index)):
        if not front or losses[index] < losses[front[-1]]:
            front.append(index)
    return front


def importance(
    hyperparameter: Hyperparameter, trial_values: Sequence[Any], metric_values: Sequence[float]
) -> float | None:
    """The share of the metric's variance that one hyperparameter explains by itself, beyond chance (epsilon squared).

    Kelley 1935, doi:10.1073/pnas.21.9.554. Interactions between hyperparameters are not attributed to any of them.
    Continuous values are binned into groups of about equal size.

    Args:
        hyperparameter: The hyperparameter.
        trial_values: The value of the hyperparameter in each trial.
        metric_values: The metric of each trial.

    Returns:
        A share from 0 to 1; None if the values cannot be compared, because all trials have the same value or each
        trial has its own.
    """
    metric = np.asarray(metric_values, np.float64)
    _, groups, counts = np.unique(_groups(hyperparameter, trial_values), return_inverse=True, return_counts=True)
    degrees_of_freedom = len(metric) - len(counts)
    total = float(((metric - metric.mean()) ** 2).sum()) if len(metric) else 0.0
    if len(counts) < 2 or degrees_of_freedom < 1 or total == 0:
        return None
    means = np.bincount(groups, metric) / counts
    residual = float(((metric - means[groups]) ** 2).sum())
    explained = total - residual
    return max(0.0, (explained - (len(counts) - 1) * residual / degrees_of_freedom) / total)


def _groups(hyperparameter: Hyperparameter, trial_values: Sequence[Any]) -> list[int]:
    """The group of each trial."""
    all_values = grid_values(hyperparameter)
    if isinstance(hyperparameter, Choice) or (all_values is not None and len(set(trial_values)) <= NUM_BINS):
        return [value_index(all_values or (), value) for value in trial_values]
    numbers = np.asarray(trial_values, np.float64)
    ordered = np.sort(numbers)
    ranks = (np.searchsorted(ordered, numbers, "left") + np.searchsorted(ordered, numbers, "right") - 1) / 2
    return [int(rank * NUM_BINS // len(trial_values)) for rank in ranks]


def value_index(values: Sequence[Any], value: Any) -> int:
    """Index of a value among the values of a hyperparameter, compared as JSON: 1 and true differ.

    >>> value_index([0, False, 1, True], True), value_index(range(8, 2**31, 8), 24)
    (3, 2)
    """
    if isinstance(values, range):
        return values.index(value)
    return [json.dumps(other) for other in values].index(json.dumps(value))
