"""The learning curve of a run, read from its history.csv, also while the run trains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import mean

from archnet.evaluation.kept_epoch import best_epoch_index, split_members
from archnet.evaluation.run_folder import read_history, read_optional_json
from archnet.spec.metrics import find_summary_column


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """The validation metric of a run, epoch by epoch.

    Attributes:
        column: The column of history.csv that holds the metric.
        values: The metric after each epoch; NaN where it is undefined. Of an ensemble, the mean over the members that
            have trained the epoch.
        best_index: Index of the epoch whose weights the run keeps, of an ensemble the last one; None before the first
            epoch.
        seconds: Training time so far.
        kept_values: The metric of each network at the weights that it keeps.
        num_epochs: Number of epochs that all networks have trained.
    """

    column: str
    values: tuple[float, ...]
    best_index: int | None
    seconds: float
    kept_values: tuple[float, ...]
    num_epochs: int

    @property
    def value(self) -> float | None:
        """The metric at the weights that the run keeps, of an ensemble the mean; None where it is undefined."""
        value = mean(self.kept_values) if self.kept_values else math.nan
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
    members = [own for own in split_members(history).values() if column in own]
    best = [best_epoch_index(own, training.get("best_metric")) for own in members]
    courses = [own[column] for own in members]
    values = tuple(map(_defined_mean, zip_longest(*courses)))
    return LearningCurve(
        column=column,
        values=values,
        best_index=(best[0] if len(best) == 1 else len(values) - 1) if values else None,
        seconds=sum(history.get("seconds", [])),
        kept_values=tuple(course[index] for course, index in zip(courses, best, strict=True)),
        num_epochs=sum(map(len, courses)),
    )


def _defined_mean(values: Sequence[float | None]) -> float:
    """The mean over the networks that have trained an epoch; NaN if a value is undefined."""
    return mean(value for value in values if value is not None)
