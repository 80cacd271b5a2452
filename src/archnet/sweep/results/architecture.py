"""The architecture of a trial, as a document that can be trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archnet.errors import RunError
from archnet.sweep.results.leaderboard import Leaderboard
from archnet.sweep.results.trials import Trial


def best_architecture(board: Leaderboard, folder: Path, name: str | None) -> dict[str, Any]:
    """The architecture of the best trial, as a document.

    Args:
        board: The leaderboard of the sweep.
        folder: The folder of the sweep.
        name: The name of the architecture. Defaults to the sweep's name and the trial's number.

    Raises:
        RunError: No trial has finished, or the metric is undefined in all of them.
    """
    if board.best is None:
        raise RunError(f"{folder}: {board.missing_best_reason()}")
    return trial_architecture(board, board.best.trial, name)


def trial_architecture(board: Leaderboard, trial: Trial, name: str | None = None) -> dict[str, Any]:
    """The architecture of a trial as a document, with a name of its own and a description of its origin."""
    document = board.sweep.experiments(trial.values)[0].arch.document.value
    description = f"Trial {trial.number} of the sweep {board.sweep.name}."
    header = {"name": name or f"{board.sweep.name}-{trial.number}", "description": description}
    return {**header, **{key: value for key, value in document.items() if key not in (*header, "$schema")}}
