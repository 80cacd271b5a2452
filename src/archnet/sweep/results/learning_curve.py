"""The learning curve of a run, read from its history.csv, also while the run trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from archnet.evaluation.kept_epoch import best_epoch_index
from archnet.evaluation.run_folder import read_history, read_optional_json
from archnet.spec.metrics import find_summary_column


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """The validation metric of a run, epoch by epoch.

    Attributes:
        column: The column of history.csv that holds the metric.
        values: The metric after each epoch; NaN where it is undefined.
        best_index: Index of the epoch whose weights the run keeps; None before the first epoch.
        seconds: Training time so far.
    """

    column: str
    values: tuple[float, ...]
    best_index: int | None
    seconds: float

    @property
    def value(self) -> float | None:
        """The metric at the weights that the run keeps; None where it is undefined."""
        value = math.nan if self.best_index is None else self.values[self.best_index]
        return None if math.isnan(value) else value


def read_learning_curve(folder: Path, metric: str) -> LearningCurve:
    """Read the learning curve of a run.

    Args:
        folder: The run folder.
        metric: A metric of the validation set.
    """
    history = read_history(folder / "history.csv")
    training = (read_optional_json(folder / "experiment.json") or {}).get("training", {})
    column = find_summary_column(history, "validation", metric)
    values = history.get(column, [])
    return LearningCurve(
        column=column,
        values=tuple(values),
        best_index=best_epoch_index(history, training.get("best_metric")) if values else None,
        seconds=sum(history.get("seconds", [])),
    )
