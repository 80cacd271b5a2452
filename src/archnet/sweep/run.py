"""A sweep from beginning to end: its folder is begun or gone on with, its trials are run, the best one is judged."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.evaluation.run_folder import read_json, read_optional_json
from archnet.files.atomic import write_json
from archnet.files.locks import LockedError, hold_lock, is_locked
from archnet.files.progress import Progress, silent
from archnet.runs.comparison import write_comparison_with_froc
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.leaderboard import Leaderboard, read_leaderboard, write_leaderboard
from archnet.sweep.schedule import TrialSchedule
from archnet.sweep.trial_process import evaluation_task
from archnet.sweep.trials import FAILED, SWEEP_FILE, WAITING, Trial, read_trials, trial_folder, write_trial
from archnet.sweep.tune import COMMAND, TuneRunner

EVALUATED_TRIALS_FILE: Final = "judged.json"
"""Which trials the test set was shown to, in this order."""

LOCK_TIMEOUT_SECONDS: Final = 1
"""How long a sweep waits for somebody who only looks whether one is under way."""

_LOCK_FILE: Final = ".lock"

_CHANGEABLE_KEYS: Final = ("name", "trials", "at_once", "resources")
"""Keys that decide how much is done and how fast, not what a trial's number means."""


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    resume: bool = False,
    runner: TuneRunner | None = None,
    progress: Progress = silent,
    on_trial_end: Callable[[Trial], None] = lambda trial: None,
) -> Leaderboard:
    """Runs what is left of a sweep, judges the best trial on the test set, and writes leaderboard and report.

    Args:
        sweep: Of `parse_sweep`.
        folder: The sweep's.
        resume: The folder may hold trials of this sweep; those that have ended stay as they are.
        runner: How runs are made; by default with Ray on this machine.
        progress: Wraps what takes long while data are prepared.
        on_trial_end: Is told of each trial that has ended.

    Raises:
        ArchnetError: The folder is taken, or the data or Ray cannot be used.
    """
    with lock_sweep_folder(folder):
        _initialize_folder(sweep, folder, resume=resume)
        planner = TrialPlanner(sweep=sweep, progress=progress)
        schedule = TrialSchedule(sweep, folder, planner, on_trial_end)
        if schedule.has_work():
            planner.prepare_data()
            (runner or TuneRunner()).run(schedule)
        return finish_sweep(sweep, folder)


def finish_sweep(sweep: Sweep, folder: Path) -> Leaderboard:
    """Judges the best trial on the test set if that was not done, and writes leaderboard and report."""
    from archnet.sweep.report import write_sweep_report

    board = read_leaderboard(sweep, folder)
    if board.best is not None:
        _evaluate_trial(sweep, folder, board.best.trial)
        board = read_leaderboard(sweep, folder)
    write_leaderboard(board, folder / "leaderboard.csv")
    write_sweep_report(board, folder, read_evaluated_trials(folder))
    return board


def reset_failed_runs(folder: Path) -> None:
    """Has the runs that failed made again when the sweep is gone on with."""
    with lock_sweep_folder(folder):
        for trial in read_trials(folder):
            for run in trial.runs.values():
                run.state = WAITING if run.state == FAILED else run.state
            write_trial(folder, trial)


@contextmanager
def lock_sweep_folder(folder: Path) -> Iterator[None]:
    """Nobody else works in the sweep's folder while the block runs.

    Raises:
        RunError: Somebody does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(hold_lock(folder / _LOCK_FILE, LOCK_TIMEOUT_SECONDS))
        except LockedError:
            raise RunError(f"{folder}: this sweep is under way. Watch it with: archnet sweep status {folder}") from None
        yield


def is_sweep_running(folder: Path) -> bool:
    """Whether somebody works at the sweep of a folder."""
    return is_locked(folder / _LOCK_FILE)


def _initialize_folder(sweep: Sweep, folder: Path, *, resume: bool) -> None:
    """Writes sweep.json, or checks that the one there asks for the same trials.

    Raises:
        RunError: The folder holds a sweep that is not to be resumed, or another one.
    """
    has_trials = any(folder.glob("trials/*"))
    folder_document, document = read_optional_json(folder / SWEEP_FILE) if has_trials else None, sweep.to_document()
    if folder_document is not None and not resume:
        raise RunError(f"{folder}: holds a sweep already. Go on with it with --resume, or give another --out.")
    for key in document if folder_document is not None else ():
        if (
            key not in _CHANGEABLE_KEYS
            and folder_document is not None
            and json.dumps(folder_document.get(key)) != json.dumps(document[key])
        ):
            raise RunError(
                f"{folder}: holds a sweep with another {key}. Resume it with the file it was begun with, or give "
                "another --out."
            )
    if folder_document is not None and sweep.search == "tpe" and folder_document["at_once"] != document["at_once"]:
        raise RunError(
            f"{folder}: was begun with at_once {folder_document['at_once']}, on which the trials of a TPE search "
            "depend. Resume it with the same."
        )
    write_json(folder / SWEEP_FILE, document)


def _evaluate_trial(sweep: Sweep, folder: Path, trial: Trial) -> None:
    """Judges a trial's runs on the test set too, once, and writes down that it was seen."""
    evaluated_numbers = read_evaluated_trials(folder)
    place = trial_folder(folder, trial.number)
    for name in trial.runs:
        if trial.number not in evaluated_numbers or _lacks_test_metrics(place / name):
            _run_task(evaluation_task(place / name))
    if trial.number not in evaluated_numbers:
        write_json(folder / EVALUATED_TRIALS_FILE, {"trials": [*evaluated_numbers, trial.number]})
    if len(trial.runs) > 1:
        write_comparison_with_froc(place, [place / name for name in trial.runs])


def _lacks_test_metrics(run: Path) -> bool:
    """Whether a run that was made again has not been judged on a test set that it has."""
    with (run / "split.csv").open(encoding="utf-8", newline="") as stream:
        has_test = any(row["set"] == "test" for row in csv.DictReader(stream))
    return has_test and "test" not in read_json(run / "metrics.json")


def read_evaluated_trials(folder: Path) -> list[int]:
    """The trials that the test set was shown to."""
    return list((read_optional_json(folder / EVALUATED_TRIALS_FILE) or {"trials": []})["trials"])


def _run_task(task: dict[str, Any]) -> None:
    """Has a process carry out an order.

    Raises:
        RunError: It could not.
    """
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("unreachable")
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or "{}")
    if answer.get("ended") != "finished":
        raise RunError(f"the best trial could not be judged on the test set: {answer.get('reason', 'it was killed')}")
