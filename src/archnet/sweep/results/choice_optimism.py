"""Selection bias: by how much the validation metric of the best trial is expected to be too high."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import ArchnetError
from archnet.evaluation.metric_values import class_ranking, macro_mean, metric_values
from archnet.evaluation.predictions import Predictions, read_predictions
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.selection_optimism import group_halves, selection_optimism
from archnet.spec.metrics import is_lower_better
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.trials import trial_folder

_MOST_SPLITS: Final = 200
_LEAST_SPLITS: Final = 40
_MAX_WEIGHTS: Final = 400_000_000  # cases x splits x runs, which take some seconds


def choice_optimism(board: Leaderboard, folder: Path) -> float | None:
    """The expected optimism of choosing the best trial by its validation metric; see `selection_optimism`.

    Validation groups are split into halves, the same for all runs; a trial's value is the mean over its runs. The
    selection of each run's epoch is not included.

    Args:
        board: The leaderboard of a sweep.
        folder: The folder of the sweep.

    Returns:
        The optimism in units of the metric, 0 or more. None with fewer than two ranked trials, or if validation
        predictions are missing or have different cases.
    """
    ranked = [row for row in board.rows if row.is_ranked]
    if len(ranked) < 2 or not board.sweep.has_search_space:
        return None
    try:
        trials = [_read_validation(folder, row) for row in ranked]
    except ArchnetError:
        return None
    names = {tuple(sorted(set().union(*(part.groups.tolist() for part in parts)))) for parts in trials}
    if len(names) != 1 or len(next(iter(names))) < 4:
        return None
    return _optimism(trials, np.array(next(iter(names))), ranked[0], board.sweep.metric)


def _read_validation(folder: Path, row: LeaderboardRow) -> list[Predictions]:
    own = trial_folder(folder, row.trial.number)
    return [read_predictions(own / name / "predictions.csv").select("validation") for name in row.trial.runs]


def _optimism(
    trials: Sequence[Sequence[Predictions]], group_names: NDArray[np.str_], row: LeaderboardRow, metric: str
) -> float | None:
    num_weights = sum(len(part.cases) for parts in trials for part in parts)
    num_splits = max(_LEAST_SPLITS, min(_MOST_SPLITS, _MAX_WEIGHTS // max(num_weights, 1)))
    sides = group_halves(len(group_names), num_splits, seed=0)
    sign = -1 if is_lower_better(metric) else 1
    values, first, second = (
        sign * np.stack([_trial_values(parts, group_names, side, row, metric) for parts in trials], axis=-1)
        for side in (np.ones((1, len(group_names))), sides == 0, sides == 1)
    )
    return selection_optimism(values[0], first, second)


def _trial_values(
    parts: Sequence[Predictions],
    group_names: NDArray[np.str_],
    is_drawn: NDArray[np.bool_] | Floats,
    row: LeaderboardRow,
    metric: str,
) -> Floats:
    """The metric of a trial in each half, (S,): the mean over its runs."""
    positive = row.metrics[0].get("positive") if row.metrics else None
    values = [
        _run_values(part, is_drawn[:, np.searchsorted(group_names, part.groups)].astype(np.float64), positive, metric)
        for part in parts
    ]
    mean: Floats = np.mean(values, axis=0)
    return mean


def _run_values(part: Predictions, weights: Floats, positive: str | None, metric: str) -> Floats:
    """The metric of a run in each half, (S,), from case weights (S, N)."""
    num_classes = len(part.classes)
    if metric == "loss":
        weights = weights if part.weight is None else weights * part.weight
        losses: Floats = (weights @ _log_losses(part)) / weights.sum(axis=1)
        return losses
    k = part.classes.index(positive) if positive in part.classes else num_classes - 1
    columns = [k] if num_classes == 2 else list(range(num_classes))
    cells = np.eye(num_classes**2)[part.y_true * num_classes + part.predicted_classes(positive=k)]
    matrices = (weights @ cells).reshape(-1, num_classes, num_classes)
    rankings = {column: class_ranking(part, column) for column in columns}
    values = metric_values(matrices, rankings, weights, columns, [metric])[metric]
    return values if values.ndim == 1 else macro_mean(values)


def _log_losses(part: Predictions) -> Floats:
    """The cross-entropy of each case, with its soft label where there is one, (N,)."""
    losses: Floats = -np.log(np.maximum(part.probabilities, np.finfo(np.float32).tiny))
    return losses[np.arange(len(part.cases)), part.y_true] if part.soft is None else (part.soft * losses).sum(axis=1)
