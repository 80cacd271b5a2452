"""Leaderboard: the trials in the order of their validation metric, with what they cost; drawn from the folder alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from archnet.errors import RunError, pluralize
from archnet.evaluation.run_folder import read_optional_json
from archnet.files.atomic import write_text
from archnet.files.csv_rows import csv_text
from archnet.spec.metrics import history_column, is_lower_better
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.trials import (
    END_STATES,
    FINISHED,
    RUNNING,
    STATES,
    STOPPED,
    WAITING,
    LearningCurve,
    Trial,
    read_learning_curve,
    read_trials,
    trial_folder,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """A trial and how it did.

    Attributes:
        trial: What was tried.
        value: Mean of its runs' metric on the validation set, each at the weights that it keeps; null without one, and
            of a trial that has ended unless all its runs have one.
        spread: Standard deviation over its runs; null of a single one.
        seconds: Training time of all its runs.
        epochs: That its runs trained.
        curves: How each run went.
        metrics: Of each finished run, its metrics.json.
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
        """Whether it may be chosen: it went to its end, and has a value."""
        return self.trial.state == FINISHED and self.value is not None

    @property
    def is_compared(self) -> bool:
        """Whether its value says something, be it that it was ended early."""
        return self.trial.state in (FINISHED, STOPPED) and self.value is not None

    def as_json(self) -> dict[str, Any]:
        """One JSON-ready object."""
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
    """The trials of a sweep, the best first; then those that were stopped early, then the others by number.

    Attributes:
        sweep: Whose trials they are.
        rows: The trials.
    """

    sweep: Sweep
    rows: tuple[LeaderboardRow, ...]

    @property
    def best(self) -> LeaderboardRow | None:
        """The trial that is chosen: the best on the validation set; of a sweep without axes its only one."""
        if self.rows and (
            self.rows[0].is_ranked or (not self.sweep.has_search_space and self.rows[0].trial.state == FINISHED)
        ):
            return self.rows[0]
        return None

    def count(self, state: str) -> int:
        """How many trials are in a state; those that are not proposed yet wait."""
        return sum(row.trial.state == state for row in self.rows) + (self._num_unproposed if state == WAITING else 0)

    @property
    def _num_unproposed(self) -> int:
        """A sweep that is gone on with may ask for fewer trials than there are."""
        return max(self.sweep.num_trials - len(self.rows), 0)

    def missing_best_reason(self) -> str:
        """Why no trial is the best, and how to mend it."""
        finished = self.count(FINISHED)
        if not finished:
            return "no trial has finished, so that there is no best one yet."
        return (
            f"{pluralize(finished, 'trial')} finished, but validation {self.sweep.metric} is undefined in "
            f"{'all of them' if finished > 1 else 'it'}, so that there is no best one. Sweep with another metric, or "
            "with a larger split.validation, so that its cases are of more than one class."
        )

    def seconds_left(self) -> float | None:
        """A guess at what is left, from the runs that have ended; null before the first."""
        runs = [run for row in self.rows for run in row.trial.runs.values()]
        run_seconds = [run.seconds for run in runs if run.seconds is not None]
        running = sum(run.state == RUNNING for run in runs)
        waiting = sum(run.state == WAITING for run in runs)
        waiting += self._num_unproposed * (self.sweep.folds or 1) * (self.sweep.seeds or 1)
        return mean(run_seconds) * (waiting + running / 2) / max(running, 1) if run_seconds else None

    def as_json(self) -> dict[str, Any]:
        """One JSON-ready object."""
        return {
            "name": self.sweep.name,
            "metric": self.sweep.metric,
            "trials": self.sweep.num_trials,
            "states": {state: self.count(state) for state in STATES},
            "best": None if self.best is None else self.best.trial.number,
            "seconds_left": self.seconds_left(),
            "rows": [row.as_json() for row in self.rows],
        }


def read_leaderboard(sweep: Sweep, folder: Path, cache: dict[int, LeaderboardRow] | None = None) -> Leaderboard:
    """The leaderboard of a sweep's folder, also while the sweep runs.

    Args:
        sweep: Of the folder.
        folder: The sweep's.
        cache: Rows of earlier looks by trial. Runs of trials that had ended are not read again; new ones are added.
    """
    cache = {} if cache is None else cache
    rows = [_cached_row(sweep, folder, trial, cache) for trial in read_trials(folder)]
    sign = 1 if is_lower_better(sweep.metric) else -1

    def rank(row: LeaderboardRow) -> tuple[int, float, int]:
        place = 0 if row.is_ranked else 1 if row.is_compared else 2
        return place, sign * row.value if place < 2 and row.value is not None else 0.0, row.trial.number

    return Leaderboard(sweep=sweep, rows=tuple(sorted(rows, key=rank)))


def _cached_row(sweep: Sweep, folder: Path, trial: Trial, cache: dict[int, LeaderboardRow]) -> LeaderboardRow:
    if trial.number in cache and cache[trial.number].trial == trial:
        return cache[trial.number]
    row = _read_row(sweep, folder, trial)
    if trial.state in END_STATES:
        cache[trial.number] = row
    return row


def _read_row(sweep: Sweep, folder: Path, trial: Trial) -> LeaderboardRow:
    place = trial_folder(folder, trial.number)
    curves = tuple(read_learning_curve(place / name, sweep.metric) for name in trial.runs)
    values = [curve.value for curve in curves if curve.value is not None]
    if trial.state in END_STATES and len(values) < len(curves):
        values = []
    metrics_documents = (read_optional_json(place / name / "metrics.json") for name in trial.runs)
    return LeaderboardRow(
        trial=trial,
        value=mean(values) if values else None,
        spread=stdev(values) if len(values) > 1 else None,
        seconds=sum(curve.seconds for curve in curves),
        epochs=sum(len(curve.values) for curve in curves),
        curves=curves,
        metrics=tuple(metrics for metrics in metrics_documents if metrics),
    )


def write_leaderboard(board: Leaderboard, path: Path) -> None:
    """leaderboard.csv: a line for each trial, the best first."""
    metric, hyperparameters = history_column("validation", board.sweep.metric), list(board.sweep.space)
    costs = ["parameters", "macs"]
    header = ["rank", "trial", "state", metric, "spread", "epochs", *costs, *hyperparameters, "reason", "seconds"]
    rows = (
        [place if row.is_ranked else "", *_cells(row, hyperparameters)] for place, row in enumerate(board.rows, start=1)
    )
    write_text(path, csv_text(header, rows))


def _cells(row: LeaderboardRow, hyperparameters: Sequence[str]) -> list[Any]:
    trial = row.trial
    values = [hyperparameter_text(trial.values[axis]) for axis in hyperparameters]
    costs = [trial.parameters, trial.macs]
    return [trial.number, trial.state, row.value, row.spread, row.epochs, *costs, *values, trial.reasons, row.seconds]


def hyperparameter_text(value: Any) -> str:
    """A value of an axis in a table.

    >>> axis_text("arch3dsm"), axis_text([3, 3]), axis_text(0.00012345678)
    ('arch3dsm', '[3, 3]', '0.0001235')
    """
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def hyperparameter_names(keys: Sequence[str]) -> list[str]:
    """Short names of axes: as many last parts of each key as tell it apart.

    >>> axis_names(["arch", "arch.layers[0].num_output", "arch.layers[2].num_output", "training.learning_rate"])
    ['arch', 'layers[0].num_output', 'layers[2].num_output', 'learning_rate']
    """
    parts = [key.split(".") for key in keys]
    return [
        next(
            ".".join(own_parts[-depth:])
            for depth in range(1, len(own_parts) + 1)
            if depth == len(own_parts) or sum(other[-depth:] == own_parts[-depth:] for other in parts) == 1
        )
        for own_parts in parts
    ]


def best_architecture(board: Leaderboard, folder: Path, name: str | None) -> dict[str, Any]:
    """The architecture of the best trial, as a document.

    Args:
        board: Of the sweep.
        folder: The sweep's.
        name: Of the architecture; by default the sweep's and the trial's.

    Raises:
        RunError: No trial has finished, or the metric is undefined in all of them.
    """
    if board.best is None:
        raise RunError(f"{folder}: {board.missing_best_reason()}")
    return trial_architecture(board, board.best.trial, name)


def trial_architecture(board: Leaderboard, trial: Trial, name: str | None = None) -> dict[str, Any]:
    """A trial's architecture as it was written, under a name of its own, with where it comes from."""
    document = board.sweep.experiments(trial.values)[0].arch.document.value
    description = f"Trial {trial.number} of the sweep {board.sweep.name}."
    header = {"name": name or f"{board.sweep.name}-{trial.number}", "description": description}
    return {**header, **{key: value for key, value in document.items() if key not in (*header, "$schema")}}
