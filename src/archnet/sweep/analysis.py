"""What a sweep's trials say together: which none beats at its cost, and how much each axis matters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from archnet.spec.sweeps.search_space import Choice, Hyperparameter, grid_values

NUM_BINS: Final = 4
"""Of an axis whose values are too many to compare one by one: groups of about as many trials each."""


def pareto_front(costs: Sequence[float], losses: Sequence[float]) -> list[int]:
    """The places of those that none of the others beats in one without being worse in the other, by rising cost.

    Args:
        costs: Lower is better.
        losses: Lower is better.

    >>> pareto_front([3, 1, 2, 2], [0.1, 0.5, 0.6, 0.3])
    [1, 3, 0]
    """
    front: list[int] = []
    for place in sorted(range(len(costs)), key=lambda place: (costs[place], losses[place], place)):
        if not front or losses[place] < losses[front[-1]]:
            front.append(place)
    return front


def importance(
    hyperparameter: Hyperparameter, trial_values: Sequence[Any], metric_values: Sequence[float]
) -> float | None:
    """The share of the variance between trials that one axis explains, beyond what chance would (epsilon squared).

    Kelley 1935, doi:10.1073/pnas.21.9.554. Interactions between axes count for none of them. Numbers of which few
    trials have the same are taken in groups of about as many trials each.

    Args:
        hyperparameter: What was varied.
        trial_values: Each trial's value of the axis.
        metric_values: Each trial's metric.

    Returns:
        From 0 to 1; null where there is nothing to compare, such as a value in all trials or in one trial each.
    """
    groups = _groups(hyperparameter, trial_values)
    metric = np.asarray(metric_values, np.float64)
    _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    freedom = len(metric) - len(counts)
    total = float(((metric - metric.mean()) ** 2).sum()) if len(metric) else 0.0
    if len(counts) < 2 or freedom < 1 or total == 0:
        return None
    means = np.bincount(places, metric) / counts
    within = float(((metric - means[places]) ** 2).sum())
    between = total - within
    return max(0.0, (between - (len(counts) - 1) * within / freedom) / total)


def _groups(hyperparameter: Hyperparameter, trial_values: Sequence[Any]) -> list[int]:
    """In which group each trial is."""
    all_values = grid_values(hyperparameter)
    if isinstance(hyperparameter, Choice) or (all_values is not None and len(set(trial_values)) <= NUM_BINS):
        return [value_index(all_values or (), value) for value in trial_values]
    numbers = np.asarray(trial_values, np.float64)
    ordered = np.sort(numbers)
    ranks = (np.searchsorted(ordered, numbers, "left") + np.searchsorted(ordered, numbers, "right") - 1) / 2
    return [int(rank * NUM_BINS // len(trial_values)) for rank in ranks]


def value_index(values: Sequence[Any], value: Any) -> int:
    """Where a value stands among those of an axis, told apart as JSON does.

    >>> place_of([0, False, 1, True], True), place_of(range(8, 2**31, 8), 24)
    (3, 2)
    """
    if isinstance(values, range):
        return values.index(value)
    return [json.dumps(other) for other in values].index(json.dumps(value))
