"""Select the cases to store: errors of all kinds and scans, some correct cases, and training examples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.predictions import Predictions

NUM_SAMPLES: Final = 16
"""Number of training examples."""

NUM_CORRECT: Final = 20
"""Number of correctly classified cases of the reported set."""

MAX_ERRORS: Final = {"test": 100, "validation": 100, "train": 20}
"""Maximum number of misclassified cases of each set."""

_FIRST: Final = {"wrong": 12, "right": 6, "sample": 6}
"""Number of cases of each kind that come first if there is no room for all."""

Rows = NDArray[np.int64]


def select_gallery_rows(predictions: Predictions, predicted: Rows, max_cases: int) -> dict[str, Rows]:
    """Select the rows of the cases to store, by kind.

    Args:
        predictions: Predictions of all cases.
        predicted: (N,) the predicted class of each case.
        max_cases: Maximum number of cases. If there are more, some of each kind come first, then errors.
    """
    evaluated_set = next((name for name in MAX_ERRORS if np.any(predictions.sets == name)), "test")
    rows = {
        "sample": sample_rows(predictions, NUM_SAMPLES),
        "wrong": np.concatenate([error_rows(predictions, predicted, name, MAX_ERRORS[name]) for name in MAX_ERRORS]),
        "right": correct_rows(predictions, predicted, evaluated_set, NUM_CORRECT),
    }
    queue = [(kind, place) for kind, count in _FIRST.items() for place in range(min(count, len(rows[kind])))]
    queue += [(kind, place) for kind, count in _FIRST.items() for place in range(count, len(rows[kind]))]
    kept = queue[:max_cases]
    return {kind: members[: sum(name == kind for name, _ in kept)] for kind, members in rows.items()}


def sample_rows(predictions: Predictions, count: int) -> Rows:
    """Rows of training cases, alternating between the classes, each in the order of the data."""
    is_training = predictions.sets == "train"
    return _take_in_turn([np.flatnonzero(is_training & is_class) for is_class in _by_class(predictions)], count)


def error_rows(predictions: Predictions, predicted: Rows, set_name: str, count: int) -> Rows:
    """Rows of misclassified cases of a set, alternating between true classes, and within a class between groups.

    Each group's worst error, the one with the lowest probability of the true class, comes first.
    """
    is_error = (predictions.sets == set_name) & (predicted != predictions.y_true)
    parts = [np.flatnonzero(is_error & is_class) for is_class in _by_class(predictions)]
    return _take_in_turn([_spread_over_groups(predictions, rows) for rows in parts], count)


def correct_rows(predictions: Predictions, predicted: Rows, set_name: str, count: int) -> Rows:
    """Rows of correctly classified cases of a set, alternating between classes, in order of increasing confidence."""
    is_correct = (predictions.sets == set_name) & (predicted == predictions.y_true)
    share = -(-count // len(predictions.classes))
    parts = [_sort_by_truth(predictions, np.flatnonzero(is_correct & own)) for own in _by_class(predictions)]
    places = [np.unique(np.linspace(0, len(rows) - 1, min(share, len(rows))).round().astype(int)) for rows in parts]
    return _take_in_turn([rows[place] for rows, place in zip(parts, places, strict=True)], count)


def _by_class(predictions: Predictions) -> list[NDArray[np.bool_]]:
    return [predictions.y_true == label for label in range(len(predictions.classes))]


def _sort_by_truth(predictions: Predictions, rows: Rows) -> Rows:
    """Rows in ascending order of the probability of the true class."""
    return rows[np.argsort(predictions.probabilities[rows, predictions.y_true[rows]], kind="stable")]


def _spread_over_groups(predictions: Predictions, rows: Rows) -> Rows:
    """Rearrange rows, worst first, so that each group has its n-th row before any has its next one."""
    rounds: dict[str, int] = {}
    ordered = _sort_by_truth(predictions, rows)
    turns = []
    for group in predictions.groups[ordered].tolist():
        turns.append(rounds.get(group, 0))
        rounds[group] = turns[-1] + 1
    return ordered[np.argsort(np.array(turns, np.int64), kind="stable")]


def _take_in_turn(parts: Sequence[Rows], count: int) -> Rows:
    """Interleave the parts: the first of each, then the second of each, up to a maximum number."""
    turns = zip_longest(*(part.tolist() for part in parts))
    return np.array([row for turn in turns for row in turn if row is not None][:count], np.int64)
