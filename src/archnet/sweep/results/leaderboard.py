"""Leaderboard: the trials in the order of their validation metric, with their costs, read from the sweep's folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from archnet.errors import DataError, pluralize
from archnet.evaluation.integrity.verification import LEADERBOARD_FILES, verify_run
from archnet.evaluation.run_folder import is_finished, read_optional_json
from archnet.files.atomic import write_text
from archnet.files.csv_rows import csv_text
from archnet.spec.metrics import METRICS, history_column, is_lower_better
from archnet.spec.outputs.output_file import OUTPUT_FILES
from archnet.spec.sweeps.search_space import is_value
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.results.hyperparameter_text import hyperparameter_text
from archnet.sweep.results.learning_curve import LearningCurve, read_learning_curve
from archnet.sweep.results.trials import (
    END_STATES,
    FINISHED,
    RUNNING,
    STATES,
    STOPPED,
    SWEEP_FILE,
    TRIAL_FILE,
    WAITING,
    Trial,
    read_trials,
    trial_folder,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """A trial with its validation metric and its costs.

    Attributes:
        trial: The trial.
        value: Mean of the validation metric over the runs, each at the epoch that is kept. None if no run has a value,
            or if the trial has ended and one of its runs has none.
        spread: Standard deviation over the runs; None for a single run.
        seconds: Training time of all runs.
        epochs: Number of epochs that all runs have trained.
        curves: The learning curve of each run.
        metrics: The metrics.json of each finished run.
    """

    trial: Trial
    value: float | None
    spread: float | None
    seconds: float
    epochs: int
    curves: tuple[LearningCurve, ...]
    metrics: tuple[dict[str, Any], ...]

    @property
    def is_ranked(self) -> bool:
        """Whether the trial can be chosen: it has finished and has a value."""
        return self.trial.state == FINISHED and self.value is not None

    @property
    def is_compared(self) -> bool:
        """Whether the value of the trial can be compared: it has finished or was stopped early."""
        return self.trial.state in (FINISHED, STOPPED) and self.value is not None

    def to_document(self) -> dict[str, Any]:
        """A JSON object."""
        trial = self.trial
        return {
            "trial": trial.number,
            "state": trial.state,
            "reason": trial.reasons,
            "values": dict(trial.values),
            "value": self.value,
            "spread": self.spread,
            "epochs": self.epochs,
            "parameters": trial.parameters,
            "macs": trial.macs,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """The trials of a sweep: finished ones from best to worst, then stopped ones, then the others by number.

    Attributes:
        sweep: The sweep.
        rows: A row for each trial.
    """

    sweep: Sweep
    rows: tuple[LeaderboardRow, ...]

    @property
    def best(self) -> LeaderboardRow | None:
        """The best trial on the validation set; the only trial of a sweep without a search space."""
        first = self.rows[0] if self.rows else None
        if first is None or first.is_ranked:
            return first
        is_only_trial = not self.sweep.has_search_space and first.trial.state == FINISHED
        return first if is_only_trial else None

    @property
    def is_macro(self) -> bool:
        """Whether the metric is a mean over more than two classes."""
        plain = history_column("validation", self.sweep.metric)
        return any(curve.column != plain for row in self.rows for curve in row.curves)

    @property
    def metric_label(self) -> str:
        """The label of the metric."""
        metric = METRICS[self.sweep.metric]
        return metric.summary_label(3 if self.is_macro else 2)

    @property
    def short_metric_label(self) -> str:
        """The name of the metric, or the label of its macro mean."""
        return METRICS[self.sweep.metric].macro_label if self.is_macro else self.sweep.metric

    def count(self, state: str) -> int:
        """Number of trials in a state; trials that are not proposed yet count as waiting."""
        return sum(row.trial.state == state for row in self.rows) + (self._num_unproposed if state == WAITING else 0)

    @property
    def _num_unproposed(self) -> int:
        """Never negative: a resumed sweep may ask for fewer trials than its folder holds."""
        return max(self.sweep.num_trials - len(self.rows), 0)

    def missing_best_reason(self) -> str:
        """The reason why there is no best trial, and the remedy."""
        finished = self.count(FINISHED)
        if not finished:
            return "no trial has finished yet, so there is no best trial."
        return (
            f"{pluralize(finished, 'trial')} finished, but validation {self.short_metric_label} is undefined in "
            f"{'all of them' if finished > 1 else 'it'}, so there is no best trial. Use a different metric, or "
            "a larger split.validation, so that its cases are of more than one class."
        )

    def seconds_left(self) -> float | None:
        """Estimated time left, from the mean time of the runs that have ended; None before the first has."""
        runs = [run for row in self.rows for run in row.trial.runs.values()]
        run_seconds = [run.seconds for run in runs if run.seconds is not None]
        running = sum(run.state == RUNNING for run in runs)
        waiting = sum(run.state == WAITING for run in runs)
        waiting += self._num_unproposed * (self.sweep.folds or 1) * (self.sweep.seeds or 1)
        return mean(run_seconds) * (waiting + running / 2) / max(running, 1) if run_seconds else None

    def to_document(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "name": self.sweep.name,
            "metric": self.sweep.metric,
            "trials": self.sweep.num_trials,
            "states": {state: self.count(state) for state in STATES},
            "best": None if self.best is None else self.best.trial.number,
            "seconds_left": self.seconds_left(),
            "rows": [row.to_document() for row in self.rows],
        }


def read_leaderboard(sweep: Sweep, folder: Path, cache: dict[int, LeaderboardRow] | None = None) -> Leaderboard:
    """Read the leaderboard from the folder of a sweep, also while the sweep runs.

    Args:
        sweep: The sweep of the folder.
        folder: The folder of the sweep.
        cache: Rows of ended trials by number, from earlier calls. Their runs are not read again; new rows are added.
    """
    cache = {} if cache is None else cache
    rows = [_cached_row(sweep, folder, trial, cache) for trial in read_trials(folder)]
    is_lower = is_lower_better(sweep.metric)

    def sort_key(row: LeaderboardRow) -> tuple[bool, bool, float, int]:
        value = (row.value if row.is_compared else None) or 0.0
        return not row.is_compared, not row.is_ranked, value if is_lower else -value, row.trial.number

    return Leaderboard(sweep=sweep, rows=tuple(sorted(rows, key=sort_key)))


def _cached_row(sweep: Sweep, folder: Path, trial: Trial, cache: dict[int, LeaderboardRow]) -> LeaderboardRow:
    if trial.number in cache and cache[trial.number].trial == trial:
        return cache[trial.number]
    row = _read_row(sweep, folder, trial)
    if trial.state in END_STATES:
        cache[trial.number] = row
    return row


def _check_values(sweep: Sweep, folder: Path, trial: Trial) -> None:
    """Check that a trial has a value of the search space for each hyperparameter.

    Raises:
        DataError: One of the two files has been changed.
    """
    for key, hyperparameter in sweep.space.items():
        if key not in trial.values:
            problem = f'has no value for "{key}"'
        elif not is_value(hyperparameter, trial.values[key]):
            problem = f'"{key}" is {json.dumps(trial.values[key])}, which is not in the search space of {SWEEP_FILE}'
        else:
            continue
        path = trial_folder(folder, trial.number) / TRIAL_FILE
        raise DataError(f"{path}: {problem}. {OUTPUT_FILES[TRIAL_FILE].remedy}")


def _read_row(sweep: Sweep, folder: Path, trial: Trial) -> LeaderboardRow:
    _check_values(sweep, folder, trial)
    run_folders = [trial_folder(folder, trial.number) / name for name in trial.runs]
    for run_folder in filter(is_finished, run_folders):
        verify_run(run_folder, LEADERBOARD_FILES, while_rewritten=True)
    curves = tuple(read_learning_curve(run_folder, sweep.metric) for run_folder in run_folders)
    values = [curve.value for curve in curves if curve.value is not None]
    if trial.state in END_STATES and len(values) < len(curves):
        values = []
    metrics_documents = (read_optional_json(run_folder / "metrics.json") for run_folder in run_folders)
    return LeaderboardRow(
        trial=trial,
        value=mean(values) if values else None,
        spread=stdev(values) if len(values) > 1 else None,
        seconds=sum(curve.seconds for curve in curves),
        epochs=sum(curve.num_epochs for curve in curves),
        curves=curves,
        metrics=tuple(metrics for metrics in metrics_documents if metrics),
    )


def write_leaderboard(board: Leaderboard, path: Path) -> None:
    """Write leaderboard.csv: a line for each trial, the best one first."""
    name = METRICS[board.sweep.metric].macro_name if board.is_macro else board.sweep.metric
    metric, hyperparameters = history_column("validation", name), list(board.sweep.space)
    costs = ["parameters", "macs"]
    header = ["rank", "trial", "state", metric, "spread", "epochs", *costs, *hyperparameters, "reason", "seconds"]
    rows = (
        [rank if row.is_ranked else "", *_cells(row, hyperparameters)] for rank, row in enumerate(board.rows, start=1)
    )
    write_text(path, csv_text(header, rows))


def _cells(row: LeaderboardRow, hyperparameters: Sequence[str]) -> list[Any]:
    trial = row.trial
    values = [hyperparameter_text(trial.values[key]) for key in hyperparameters]
    costs = [trial.parameters, trial.macs]
    return [trial.number, trial.state, row.value, row.spread, row.epochs, *costs, *values, trial.reasons, row.seconds]
