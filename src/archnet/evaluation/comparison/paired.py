"""Paired differences: two architectures on the same cases, each difference with its bootstrap interval.

Groups of cases are drawn together for both architectures, so that what makes a case hard for both cancels out. Where
an architecture was trained with several seeds, its number is the mean over them (what one training gives on average,
not what an ensemble gives), and the seeds are drawn with replacement as well, apart from the groups: the pigeonhole
bootstrap of Owen 2007, doi:10.1214/07-AOAS122. A single seed leaves the chance of training out of the interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import matrix_metrics, number_or_none
from archnet.evaluation.ranking import RANKING_FORMULAS, Floats, ranking, ratio
from archnet.evaluation.uncertainty.intervals import can_resample, percentile_interval, resamples
from archnet.spec.metrics import Metric, metrics_shown_in

RECALL_AT_EQUAL_FALSE_POSITIVE_RATE = "recall_at_equal_false_positive_rate"
RECALL_AT_EQUAL_PRECISION = "recall_at_equal_precision"

Values = dict[str, tuple[Floats, Floats]]
"""For each name the reference's and the other's number in every resample, each (B,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """The shared cases.

    Attributes:
        y_true: Index of the class, shape (N,).
        groups: Index of the group, shape (N,).
        num_classes: Of the data.
        positive: Index of the class whose recall counts.
    """

    y_true: NDArray[np.int64]
    groups: NDArray[np.int64]
    num_classes: int
    positive: int

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Shape (N,)."""
        return np.equal(self.y_true, self.positive)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedPredictions:
    """What one training's network says about the shared cases.

    Attributes:
        scores: Probability of the positive class, shape (N,).
        y_pred: Predicted class of each case, shape (N,).
    """

    scores: Floats
    y_pred: NDArray[np.int64]


def paired_differences(
    reference: Sequence[SeedPredictions],
    other: Sequence[SeedPredictions],
    truth: Truth,
    *,
    bootstraps: int,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """How far the other architecture is from the reference, in each number that pairs of networks are compared by.

    `accuracy` and `mcc` are those at each network's own threshold, `auc` is the positive class's against the rest. Of
    two classes there is also the recall at the reference's false-positive rate and at its precision: both networks'
    thresholds are moved to the lowest at which there are no more false positives (no lower precision) than the
    reference has at its own threshold, cases of equal scores being taken together or not at all. Both follow the one
    rule, so that a network is never better than itself.

    Args:
        reference: One entry for each seed, in two classes or more.
        other: The same of the other architecture.
        truth: The cases that both judge.
        bootstraps: Resamples; 0 leaves the intervals out (None).
        seed: Of the resamples.

    Returns:
        For each number `reference`, `other`, `difference` (other minus reference) and `interval` of the difference;
        None where undefined.
    """
    sides = (_Side(reference, truth), _Side(other, truth))
    equal_shares = tuple(np.full((1, side.num_seeds), 1 / side.num_seeds) for side in sides)
    values = _paired_values(sides, truth, np.ones((1, len(truth.y_true))), equal_shares)
    chunks = [
        _paired_values(sides, truth, weights, shares)
        for weights, shares in _bootstrap_weights(sides, truth, bootstraps, seed)
    ]
    return {name: _difference(pair, [chunk[name] for chunk in chunks]) for name, pair in values.items()}


def _difference(values: tuple[Floats, Floats], samples: Sequence[tuple[Floats, Floats]]) -> dict[str, Any]:
    """One number's entry, from its values (1,) on either side and those of all resamples."""
    first, second = (number_or_none(value[0]) for value in values)
    difference = None if first is None or second is None else second - first
    differences = [other - reference for reference, other in samples]
    interval = percentile_interval(np.concatenate(differences)) if differences and difference is not None else None
    return {"reference": first, "other": second, "difference": difference, "interval": interval}


class _Side:
    """One architecture's trainings, sorted once for all resamples."""

    def __init__(self, predictions_by_seed: Sequence[SeedPredictions], truth: Truth) -> None:
        self.num_seeds = len(predictions_by_seed)
        self.rankings = [ranking(training.scores, truth.is_positive) for training in predictions_by_seed]
        num_cells = truth.num_classes**2
        cells = [truth.y_true * truth.num_classes + training.y_pred for training in predictions_by_seed]
        self.cells = [np.eye(num_cells)[cell] for cell in cells]


def _bootstrap_weights(
    sides: tuple[_Side, _Side], truth: Truth, bootstraps: int, seed: int
) -> Iterator[tuple[Floats, tuple[Floats, ...]]]:
    """Resamples: how often each case is drawn (B, N), and each training's share on either side (B, num_trainings)."""
    num_groups = int(truth.groups.max()) + 1
    if not can_resample(num_groups, bootstraps):
        return
    shares = [_seed_shares(side.num_seeds, bootstraps, seed + 1 + k) for k, side in enumerate(sides)]
    num_weights = len(truth.y_true) * sum(side.num_seeds for side in sides)
    start = 0
    for counts in resamples(num_groups, bootstraps, num_cases=num_weights, seed=seed):
        stop = start + len(counts)
        yield counts[:, truth.groups], tuple(share[start:stop] for share in shares)
        start = stop


def _seed_shares(num_seeds: int, bootstraps: int, seed: int) -> Floats:
    """The share of each training in each resample, shape (bootstraps, num_trainings)."""
    draws = resamples(num_seeds, bootstraps, num_cases=num_seeds, seed=seed)
    return np.concatenate(list(draws)) / num_seeds


def _paired_values(sides: tuple[_Side, _Side], truth: Truth, weights: Floats, shares: tuple[Floats, ...]) -> Values:
    """All numbers of both sides in every resample."""
    curves = [[ranked.counts(weights) for ranked in side.rankings] for side in sides]
    shape = (len(weights), truth.num_classes, truth.num_classes)
    matrices = [[(weights @ cells).reshape(shape) for cells in side.cells] for side in sides]
    metrics = [[matrix_metrics(matrix) for matrix in side] for side in matrices]
    values: Values = {}
    for metric in metrics_shown_in("paired_differences"):
        numbers = [
            [_metric_values(metric, *training, truth.positive) for training in zip(*side, strict=True)]
            for side in zip(metrics, curves, strict=True)
        ]
        values[metric.name] = _side_means(numbers, shares)
    return values | _matched_recalls(curves, matrices[0], truth, shares) if truth.num_classes == 2 else values


def _metric_values(
    metric: Metric, matrix_values: dict[str, Floats], curve: tuple[Floats, Floats], positive: int
) -> Floats:
    """One training's metric in every resample, (B,); of the positive class where each class has its own."""
    if metric.source == "ranking":
        return RANKING_FORMULAS[metric.name](*curve)
    values = matrix_values[metric.name]
    return values[..., positive] if metric.is_per_class else values


def _side_means(numbers: Sequence[Sequence[Floats]], shares: tuple[Floats, ...]) -> tuple[Floats, Floats]:
    """Each side's mean over its trainings."""
    first, second = (_mean_over_seeds(side, share) for side, share in zip(numbers, shares, strict=True))
    return first, second


def _mean_over_seeds(numbers: Sequence[Floats], share: Floats) -> Floats:
    """The mean over trainings in each resample, (B,); a training that is not drawn cannot spoil it."""
    columns = np.stack(numbers, axis=-1)
    mean: Floats = np.where(share > 0, columns * share, 0.0).sum(axis=-1)
    return mean


def _matched_recalls(
    curves: Sequence[Sequence[tuple[Floats, Floats]]],
    matrices: Sequence[Floats],
    truth: Truth,
    shares: tuple[Floats, ...],
) -> Values:
    """The recalls at the false-positive rate and at the precision of each of the reference's trainings in turn.

    The numbers are means over these and over the side's own trainings.

    Args:
        curves: True and false positives at every threshold, (B, S), of each side's trainings.
        matrices: The reference's confusion matrices at its own threshold, (B, 2, 2), of each training.
        truth: The cases.
        shares: Of each training on either side.
    """
    own = [
        (matrix[:, truth.positive, truth.positive], matrix[:, 1 - truth.positive, truth.positive])
        for matrix in matrices
    ]
    rules = {
        RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: _recall_at_false_positives,
        RECALL_AT_EQUAL_PRECISION: _recall_at_precision,
    }
    values: Values = {}
    for name, recall_at in rules.items():
        at_points = [
            _side_means([[recall_at(curve, *point) for curve in side] for side in curves], shares) for point in own
        ]
        values[name] = (
            _mean_over_seeds([first for first, _ in at_points], shares[0]),
            _mean_over_seeds([second for _, second in at_points], shares[0]),
        )
    return values


def _recall_at_false_positives(
    curve: tuple[Floats, Floats], own_true_positives: Floats, own_false_positives: Floats
) -> Floats:
    """The highest recall with at most `own_false_positives`, (B,); NaN without positives or negatives."""
    true_positives, false_positives = curve
    recall = _recall(true_positives, np.sum(false_positives <= own_false_positives[:, None], axis=1))
    return np.where(false_positives[:, -1] > 0, recall, np.nan)


def _recall_at_precision(
    curve: tuple[Floats, Floats], own_true_positives: Floats, own_false_positives: Floats
) -> Floats:
    """The highest recall with at least the precision of the counts given, (B,); NaN where that is undefined."""
    true_positives, false_positives = curve
    is_precise = (
        true_positives * own_false_positives[:, None] >= false_positives * own_true_positives[:, None]
    )  # cross-multiplied: exact for whole numbers
    steps = is_precise.shape[1] - np.argmax(is_precise[:, ::-1], axis=1)
    recall = _recall(true_positives, np.where(is_precise.any(axis=1), steps, 0))
    return np.where(own_true_positives + own_false_positives > 0, recall, np.nan)


def _recall(true_positives: Floats, steps: NDArray[np.int64]) -> Floats:
    """The recall after the first `steps` steps of a curve."""
    true_positives_at_step = np.where(
        steps > 0, true_positives[np.arange(len(true_positives)), np.maximum(steps - 1, 0)], 0.0
    )
    return ratio(true_positives_at_step, true_positives[:, -1])
