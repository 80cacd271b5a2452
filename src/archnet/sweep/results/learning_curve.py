"""The learning curve of a run, read from its history.csv, also while the run trains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archnet.evaluation.run_folder import read_history, read_optional_json
from archnet.network.training.history import is_better
from archnet.spec.metrics import history_column


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """The validation metric of a run, epoch by epoch.

    Attributes:
        values: The metric after each epoch; NaN where it is undefined.
        best_index: Index of the epoch whose weights the run keeps; null before the first epoch.
        seconds: Training time so far.
    """

    values: tuple[float, ...]
    best_index: int | None
    seconds: float

    @property
    def value(self) -> float | None:
        """The metric at the weights that the run keeps; null where it is undefined."""
        value = math.nan if self.best_index is None else self.values[self.best_index]
        return None if math.isnan(value) else value


def read_learning_curve(folder: Path, metric: str) -> LearningCurve:
    """Read how far a run has come.

    Args:
        folder: The run folder.
        metric: A metric of the validation set.
    """
    history = read_history(folder / "history.csv")
    training = (read_optional_json(folder / "experiment.json") or {}).get("training", {})
    values = history.get(history_column("validation", metric), [])
    return LearningCurve(
        values=tuple(values),
        best_index=best_epoch_index(history, training.get("best_metric")) if values else None,
        seconds=sum(history.get("seconds", [])),
    )


def best_epoch_index(history: Mapping[str, list[float]], best_metric: str | None) -> int:
    """Index of the epoch whose weights training keeps: the first one with the best value, otherwise the last one."""
    best, best_index = None, len(history["seconds"]) - 1
    for index, value in enumerate(history.get(history_column("validation", best_metric), []) if best_metric else []):
        if best_metric and is_better(best_metric, value, best):
            best, best_index = value, index
    return best_index
