"""The progress of a training: finished epochs, the current epoch, and the best weights so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.evaluation.epoch_metrics import matrix_values, named_metrics
from archnet.evaluation.kept_epoch import is_better
from archnet.spec.experiment import EarlyStopping, Training
from archnet.spec.metrics import (
    METRICS,
    find_summary_column,
    history_column,
    metrics_shown_in,
    summary_name,
)

HistoryRow = dict[str, float]


@dataclass(slots=True, kw_only=True)
class Tally:
    """Running sums of an epoch: mean loss, accuracy and recall of the cases so far.

    Attributes:
        num_steps: Number of steps.
        num_cases: Number of cases so far, with and without a hard label.
        loss: Sum of the cases' losses.
        matrix: Confusion counts of those with a hard label, (K, K).
        seconds: Time of the steps.
    """

    num_steps: int = 0
    num_cases: int = 0
    loss: float = 0.0
    matrix: Any = 0
    seconds: float = 0.0

    def add(self, loss: float, matrix: NDArray[np.float64], num_cases: int) -> None:
        """Add a step: its mean loss, its confusion matrix (K, K), and its number of cases."""
        self.num_steps += 1
        self.num_cases += num_cases
        self.loss += loss * num_cases
        self.matrix = self.matrix + matrix.astype(np.int64)

    def means(self, positive: int, classes: Sequence[str] = ()) -> HistoryRow:
        """The metrics of history.csv's training columns; NaN where undefined.

        Args:
            positive: With two classes, the class whose recall is used; with more, the macro mean is used.
            classes: Names of more than two classes; without them, the recall of each class is omitted.
        """
        values = {"loss": np.asarray(self.loss / self.num_cases), **matrix_values(self.matrix, positive)}
        return named_metrics(
            {metric.name: values[metric.name] for metric in metrics_shown_in("train_columns")}, classes
        )


@dataclass(slots=True, kw_only=True)
class TrainingProgress:
    """The progress of a training.

    Attributes:
        history: The rows of history.csv, one for each finished epoch.
        tally: Running sums of the current epoch.
        best_value: Best validation value so far, if a metric selects the weights.
        best_weights: The weights with that value.
        is_finished: Whether the training is over, and `best_weights` are its final weights.
    """

    history: list[HistoryRow] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    best_value: float | None = None
    best_weights: list[NDArray[Any]] | None = None
    is_finished: bool = False

    def end_epoch(self, row: HistoryRow, metric: str | None, weights: list[NDArray[Any]]) -> None:
        """Finish an epoch.

        Args:
            row: The epoch's row of history.csv.
            metric: The validation metric that selects the weights to keep, if any.
            weights: The weights after the epoch.
        """
        self.history.append(row)
        self.tally = Tally()
        if metric is None:
            return
        value = row.get(find_summary_column(row, "validation", metric), math.nan)
        if is_better(metric, value, self.best_value):
            self.best_value, self.best_weights = value, weights


def check_history(history: Sequence[HistoryRow], training: Training, num_classes: int) -> None:
    """Check that the epochs before an interruption have the metric that selects the weights or stops the training.

    Earlier versions wrote the recall, the AUC and the average precision of one class, also of more than two classes.

    Raises:
        RunError: They have the metric of one class, but the macro mean is used now.
    """
    stopping = training.early_stopping
    metrics = (training.best_metric, stopping.metric if stopping else None)
    for metric in (name for name in metrics if name and summary_name(name, num_classes) != name):
        if history and history_column("validation", metric) in history[0]:
            raise RunError(
                f"this training began with an earlier version of archnet, which used the {metric} of one class. With "
                f"{num_classes} classes, the {METRICS[metric].macro_label} is used now, so the training cannot be "
                "resumed. Remove the run folder to start over."
            )


def should_stop(history: Sequence[HistoryRow], stopping: EarlyStopping | None) -> bool:
    """Whether the monitored validation metric has not improved for `patience` epochs."""
    if stopping is None or not history:
        return False
    key = find_summary_column(history[-1], "validation", stopping.metric)
    if key not in history[-1]:
        return False
    best: float | None = None
    best_epoch = 0
    for epoch, row in enumerate(history, start=1):
        if is_better(stopping.metric, row[key], best):
            best, best_epoch = row[key], epoch
    return len(history) - best_epoch >= stopping.patience
