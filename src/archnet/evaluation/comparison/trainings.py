"""Metrics of trainings on shared cases, with their covariance over groups of cases.

Accuracy, recall and the other proportions have a linearized covariance, and the area under the ROC curve of two classes
has Obuchowski's; all others have the covariance of a bootstrap over groups, times g / (g - 1) for g groups (Davison and
Hinkley 1997, doi:10.1017/CBO9780511802843, section 3.8). All trainings share the same resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import matrix_metrics
from archnet.evaluation.ranking import RANKING_FORMULAS, Ranking, ranking
from archnet.evaluation.uncertainty.clustered_auc import estimate_areas
from archnet.evaluation.uncertainty.clustered_proportions import estimate_proportions
from archnet.evaluation.uncertainty.intervals import can_resample, resamples
from archnet.evaluation.uncertainty.ratio import Floats, ratio
from archnet.evaluation.uncertainty.seed_variance import Estimates, scale_covariance
from archnet.spec.metrics import METRICS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """The shared cases.

    Attributes:
        y_true: Index of the class, shape (N,).
        groups: Index of the group, shape (N,).
        num_classes: Number of classes of the data.
        positive: Index of the positive class.
    """

    y_true: NDArray[np.int64]
    groups: NDArray[np.int64]
    num_classes: int
    positive: int

    @property
    def columns(self) -> tuple[int, ...]:
        """The classes with metrics of their own: the positive one of two classes, or all of more classes."""
        return (self.positive,) if self.num_classes == 2 else tuple(range(self.num_classes))

    @property
    def num_groups(self) -> int:
        """Total number of groups."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    def count_groups(self, is_selected: NDArray[np.bool_]) -> int:
        """Number of groups with at least one of some cases, given by a mask of shape (N,)."""
        return len(np.unique(self.groups[is_selected]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedPredictions:
    """The predictions of one training's network for the shared cases.

    Attributes:
        scores: Probability of each class of `Truth.columns`, shape (N, C).
        y_pred: Predicted class of each case, shape (N,).
    """

    scores: Floats
    y_pred: NDArray[np.int64]


class Trainings:
    """M trainings; scores are sorted once for all resamples.

    Attributes:
        predictions: Predictions of each training.
        truth: The cases.
        rankings: Rankings of each training for each class of `Truth.columns`.
    """

    def __init__(self, predictions: Sequence[SeedPredictions], truth: Truth) -> None:
        self.predictions, self.truth = predictions, truth
        self.rankings: list[list[Ranking]] = [
            [ranking(one.scores[:, column], truth.y_true == k) for column, k in enumerate(truth.columns)]
            for one in predictions
        ]
        flat = [truth.y_true * truth.num_classes + one.y_pred for one in predictions]
        self._cells = [np.eye(truth.num_classes**2)[cells] for cells in flat]

    def matrices(self, weights: Floats) -> list[Floats]:
        """The confusion matrix of each training in each resample, (B, K, K)."""
        shape = (len(weights), self.truth.num_classes, self.truth.num_classes)
        return [(weights @ cells).reshape(shape) for cells in self._cells]

    def values(self, weights: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Metrics in each resample.

        Args:
            weights: How often each case counts, shape (B, N).
            names: Names of metrics.

        Returns:
            For each name, an array of shape (B, M, C): the value of the whole set or the positive class, or the values
            of each class followed by their mean. NaN where undefined.
        """
        by_training = [
            self._values(matrix, rankings, weights, names)
            for matrix, rankings in zip(self.matrices(weights), self.rankings, strict=True)
        ]
        return {name: np.stack([values[name] for values in by_training], axis=1) for name in names}

    def _values(
        self, matrix: Floats, rankings: Sequence[Ranking], weights: Floats, names: Sequence[str]
    ) -> dict[str, Floats]:
        from_matrix = matrix_metrics(matrix)
        needs_counts = any(METRICS[name].source == "ranking" for name in names)
        counts = [ranked.counts(weights) for ranked in rankings] if needs_counts else []
        values: dict[str, Floats] = {}
        for name in names:
            if METRICS[name].source == "ranking":
                values[name] = _with_macro(np.stack([RANKING_FORMULAS[name](*pair) for pair in counts], axis=1))
            elif METRICS[name].is_per_class:
                values[name] = _with_macro(from_matrix[name][..., list(self.truth.columns)])
            else:
                values[name] = from_matrix[name][..., None]
        return values


def _with_macro(values: Floats) -> Floats:
    """Append the mean of the defined numbers of several classes, (B, C); a single number is unchanged."""
    if values.shape[1] == 1:
        return values
    is_defined = ~np.isnan(values)
    mean = ratio(np.where(is_defined, values, 0.0).sum(axis=1), is_defined.sum(axis=1))
    return np.concatenate([values, mean[:, None]], axis=1)


def estimate_metrics(
    trainings: Trainings, names: Sequence[str], *, bootstraps: int, seed: int = 0
) -> dict[str, tuple[Estimates, ...]]:
    """Metrics of all trainings with their covariances.

    Args:
        trainings: On the same cases.
        names: Names of metrics.
        bootstraps: Number of resamples; with 0, covariances that need them are unknown.
        seed: Seed of the resamples.

    Returns:
        For each name, the estimates of the whole set or the positive class; with more classes, those of each class,
        followed by their mean.
    """
    truth = trainings.truth
    estimates = {name: _estimate_directly(trainings, name) for name in names}
    rest = [name for name, entry in estimates.items() if entry is None]
    values, covariances = bootstrap(
        truth, lambda weights: trainings.values(weights, rest), len(trainings.predictions), bootstraps, seed
    )
    for name in rest:
        estimates[name] = tuple(
            Estimates(
                values=values[name][:, column],
                covariance=scale_covariance(covariances[name][column], num_groups),
                num_groups=num_groups,
            )
            for column, num_groups in enumerate(_count_groups(truth, name))
        )
    return {name: entry for name, entry in estimates.items() if entry is not None}


def _estimate_directly(trainings: Trainings, name: str) -> tuple[Estimates, ...] | None:
    """Estimates that need no resamples; None where there is no formula."""
    if METRICS[name].proportion is not None:
        return _proportions(trainings, name)
    return _area(trainings) if name == "auc" and trainings.truth.num_classes == 2 else None


def _area(trainings: Trainings) -> tuple[Estimates, ...]:
    truth = trainings.truth
    values = trainings.values(np.ones((1, len(truth.y_true))), ["auc"])["auc"].ravel()
    scores = [[one.scores.ravel()] for one in trainings.predictions]
    estimate = estimate_areas(scores, truth.y_true == truth.positive, truth.groups)
    unknown = np.full((len(scores), len(scores)), np.nan)
    (num_groups,) = _count_groups(truth, "auc")
    covariance = unknown if estimate is None else estimate.covariance
    return (Estimates(values=values, covariance=covariance, num_groups=num_groups),)


_MEMBERS: Final[Mapping[str, Callable[[NDArray[np.bool_], NDArray[np.bool_]], NDArray[np.bool_]]]] = {
    "true_positives": lambda is_class, is_predicted: is_class & is_predicted,
    "positives": lambda is_class, is_predicted: is_class,
    "predicted_positives": lambda is_class, is_predicted: is_predicted,
    "true_negatives": lambda is_class, is_predicted: ~is_class & ~is_predicted,
    "negatives": lambda is_class, is_predicted: ~is_class,
    "correct": lambda is_class, is_predicted: is_class == is_predicted,
    "total": lambda is_class, is_predicted: np.ones_like(is_class),
}
"""The cases included in each count of a class, from their labels and predictions for the class."""


def _proportions(trainings: Trainings, name: str) -> tuple[Estimates, ...]:
    truth, metric = trainings.truth, METRICS[name]
    y_pred = np.stack([one.y_pred for one in trainings.predictions], axis=1)
    y_true = np.broadcast_to(truth.y_true[:, None], y_pred.shape)
    if metric.proportion is None or not metric.is_per_class:
        return (estimate_proportions(y_pred == y_true, np.ones_like(y_pred, bool), truth.groups),)
    parts, wholes = (
        np.stack([_MEMBERS[count](y_true == k, y_pred == k) for k in truth.columns], axis=2)
        for count in metric.proportion
    )
    by_class = [estimate_proportions(parts[..., k], wholes[..., k], truth.groups) for k in range(len(truth.columns))]
    return (*by_class, estimate_proportions(parts, wholes, truth.groups)) if len(by_class) > 1 else tuple(by_class)


def _count_groups(truth: Truth, name: str) -> list[int]:
    """Number of groups that each value of a metric depends on: those with cases of the rarer kind."""
    by_class = [
        min(truth.count_groups(truth.y_true == k), truth.count_groups(truth.y_true != k)) for k in truth.columns
    ]
    if len(by_class) == 1:
        return by_class
    if not METRICS[name].is_per_class:
        return [truth.num_groups]
    return [*by_class, min((number for number in by_class if number), default=0)]


def bootstrap(
    truth: Truth, values: Callable[[Floats], Mapping[str, Floats]], num_trainings: int, bootstraps: int, seed: int
) -> tuple[dict[str, Floats], dict[str, list[Floats]]]:
    """Values on the original cases, and their covariance over resamples of groups.

    Args:
        truth: The cases.
        values: Computes each number, of shape (B, M, C), from case weights (B, N).
        num_trainings: The M trainings.
        bootstraps: Resamples.
        seed: Seed of the resamples.

    Returns:
        For each number, its values (M, C) and C covariances (M, M); NaN where unknown.
    """
    numbers = {name: value.squeeze(axis=0) for name, value in values(np.ones((1, len(truth.y_true)))).items()}
    samples: dict[str, list[Floats]] = {name: [] for name in numbers}
    if samples and can_resample(truth.num_groups, bootstraps):
        num_weights = len(truth.y_true) * num_trainings * len(truth.columns)
        for counts in resamples(truth.num_groups, bootstraps, num_cases=num_weights, seed=seed):
            for name, value in values(counts[:, truth.groups]).items():
                samples[name].append(value)
    return numbers, {
        name: [_covariance(samples[name], column, num_trainings) for column in range(value.shape[-1])]
        for name, value in numbers.items()
    }


def _covariance(chunks: Sequence[Floats], column: int, num_trainings: int) -> Floats:
    """The covariance of one number over the resamples in which it is defined for all trainings, (M, M)."""
    values = np.concatenate([np.empty((0, num_trainings)), *(chunk[..., column] for chunk in chunks)])
    defined = values[~np.isnan(values).any(axis=1)]
    if len(defined) < 2:
        return np.full((num_trainings, num_trainings), np.nan)
    return np.atleast_2d(np.cov(defined, rowvar=False))
