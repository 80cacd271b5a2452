"""Run a sweep: start or resume its folder, run its trials, evaluate the best one, and write the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from archnet.errors import RunError
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.run_folder import read_json, read_optional_json
from archnet.files.atomic import remove_leftovers, write_json
from archnet.files.csv_rows import read_rows
from archnet.files.locks import LOCK_FILE, is_locked, lock_folder
from archnet.files.progress import Progress, no_progress
from archnet.runs.comparison import write_comparison_with_froc
from archnet.spec.auto import AUTO_SPLIT
from archnet.spec.metrics import METRICS, history_column, summary_name
from archnet.spec.overrides import apply_override
from archnet.spec.resolve import resolve_paths
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.ray_session import SessionRunner
from archnet.sweep.results.leaderboard import Leaderboard, read_leaderboard, write_leaderboard
from archnet.sweep.results.learning_curve import read_learning_curve
from archnet.sweep.results.trials import FAILED, SWEEP_FILE, WAITING, Trial, read_trials, trial_folder, write_trial
from archnet.sweep.schedule import TrialSchedule
from archnet.sweep.task_process import run_task
from archnet.sweep.trial_process import evaluation_task
from archnet.sweep.tune import COMMAND

EVALUATED_TRIALS_FILE: Final = "judged.json"
"""Records the trials evaluated on the test set, in order."""

LOCK_TIMEOUT_SECONDS: Final = 1
"""Time to wait for the lock, which `is_sweep_running` holds for a moment."""

_CHANGEABLE_KEYS: Final = ("name", "trials", "at_once", "resources")
"""Keys that may change when a sweep is resumed: they do not affect which values a trial has."""


class Runner(Protocol):
    """Carries out the jobs of a schedule."""

    def run(self, schedule: TrialSchedule) -> None:
        """Run all jobs."""


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    resume: bool = False,
    runner: Runner | None = None,
    progress: Progress = no_progress,
    on_trial_end: Callable[[Trial], None] = lambda trial: None,
) -> Leaderboard:
    """Run the remaining trials of a sweep, evaluate the best one on the test set, and write leaderboard and report.

    Args:
        sweep: A sweep from `parse_sweep`.
        folder: The folder of the sweep.
        resume: Whether the folder may hold trials of this sweep; ended trials are kept.
        runner: Carries out the runs; by default with Ray on this machine.
        progress: Wraps long iterations while data are prepared.
        on_trial_end: Called with each trial that has ended.

    Raises:
        ArchnetError: The folder is in use, or the data or Ray cannot be used.
    """
    with lock_sweep_folder(folder):
        schedule = open_schedule(sweep, folder, resume=resume, progress=progress, on_trial_end=on_trial_end)
        run_schedule(schedule, runner)
        return finish_sweep(schedule.sweep, folder)


def open_schedule(
    sweep: Sweep,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress = no_progress,
    on_trial_end: Callable[[Trial], None] = lambda trial: None,
    evaluated_sets: Sequence[str] | None = None,
) -> TrialSchedule:
    """The schedule of a new or resumed sweep; its folder must be locked.

    Args:
        sweep, folder, resume, progress, on_trial_end: See `run_sweep`.
        evaluated_sets: The sets that each run is evaluated on; None means those of `searched_sets`. If trials are
            compared without selecting one, all are evaluated on the test set.

    Raises:
        RunError: The folder holds a sweep that is not to be resumed, or a different one.
    """
    _initialize_folder(sweep, folder, resume=resume)
    sweep = keep_trial_split(sweep, folder)
    planner = TrialPlanner(sweep=sweep, progress=progress)
    return TrialSchedule(sweep, folder, planner, on_trial_end, evaluated_sets=evaluated_sets)


def run_schedule(schedule: TrialSchedule, runner: Runner | None = None) -> None:
    """Run the remaining jobs of a schedule; see `run_sweep`.

    Raises:
        ArchnetError: The data or Ray cannot be used.
    """
    if schedule.has_work():
        _check_same_metric(schedule.sweep, schedule.folder)
        schedule.planner.prepare_data()
        (runner or SessionRunner()).run(schedule)


def keep_trial_split(sweep: Sweep, folder: Path) -> Sweep:
    """The sweep with the split that an earlier version gave to the trials in its folder, where its own is "auto"."""
    documents = (read_optional_json(path) or {} for path in sorted(folder.glob("trials/*/*/experiment.json")))
    split_by = next((document["split"]["by"] for document in documents if _is_split_given(document)), None)
    if split_by is None or (sweep.base.value.get("split") or {}).get("by", "auto") != "auto":
        return sweep
    return replace(sweep, base=apply_override(sweep.base, ("split", "by"), split_by))


def _is_split_given(document: Mapping[str, Any]) -> bool:
    """Whether a run's split method was set explicitly instead of chosen from its data."""
    return "by" in document.get("split", {}) and AUTO_SPLIT not in document.get("picked", {})


def finish_sweep(sweep: Sweep, folder: Path) -> Leaderboard:
    """Evaluate the best trial on the test set unless that is done, and write leaderboard and report."""
    from archnet.sweep.report.sweep_page import write_sweep_report

    board = read_leaderboard(sweep, folder)
    if board.best is not None:
        _evaluate_trial(sweep, folder, board.best.trial)
        board = read_leaderboard(sweep, folder)
    write_leaderboard(board, folder / "leaderboard.csv")
    write_sweep_report(board, folder, read_evaluated_trials(folder))
    return board


def reset_failed_runs(folder: Path) -> None:
    """Set failed runs back to waiting, so that a resumed sweep runs them again."""
    with lock_sweep_folder(folder):
        for trial in read_trials(folder):
            for run in trial.runs.values():
                run.state = WAITING if run.state == FAILED else run.state
            write_trial(folder, trial)


@contextmanager
def lock_sweep_folder(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder of a sweep while the block runs.

    Raises:
        LockedError: Another process holds the lock.
    """
    advice = f"Watch it with: archnet sweep status {folder}"
    with lock_folder(folder, timeout_s=LOCK_TIMEOUT_SECONDS, advice=advice):
        for one in folder.glob("trials/*"):
            remove_leftovers(one)
        yield


def is_sweep_running(folder: Path) -> bool:
    """Whether a process runs the sweep of a folder."""
    return is_locked(folder / LOCK_FILE)


def _initialize_folder(sweep: Sweep, folder: Path, *, resume: bool) -> None:
    """Write sweep.json, or check that the existing one defines the same trials.

    Raises:
        RunError: The folder holds a sweep that is not to be resumed, or a different one.
    """
    has_trials = any(folder.glob("trials/*"))
    folder_document = read_optional_json(folder / SWEEP_FILE) if has_trials else None
    document = sweep.to_document()
    if folder_document is not None:
        if not resume:
            raise RunError(f"{folder}: already contains a sweep. Resume it with --resume, or use a different --out.")
        base = resolve_paths(folder_document.get("base"), folder)
        _check_same_trials(folder, {**folder_document, "base": base}, document)
    write_json(folder / SWEEP_FILE, document)


def _check_same_trials(folder: Path, folder_document: dict[str, Any], document: dict[str, Any]) -> None:
    for key in document:
        there, here = (_without_allowed_checks(part.get(key)) for part in (folder_document, document))
        has_order = key == "space"  # a grid proposes its trials in the order of the hyperparameters
        there_text, here_text = (json.dumps(value, sort_keys=not has_order) for value in (there, here))
        if key not in _CHANGEABLE_KEYS and there_text != here_text:
            raise RunError(
                f"{folder}: contains a sweep with a different {key}. Resume it with its original file, or use a "
                "different --out."
            )
    if document["search"] == "tpe" and folder_document.get("at_once") != document["at_once"]:
        raise RunError(
            f"{folder}: was started with at_once {folder_document.get('at_once')}, which determines the trials of a "
            "TPE search. Resume it with the same value."
        )


def _check_same_metric(sweep: Sweep, folder: Path) -> None:
    """Check that new trials are ranked by the same number as the existing ones.

    Raises:
        RunError: An earlier version ranked the existing trials by the metric of one class, of more than two.
    """
    for path in sorted(folder.glob("trials/*/*/metrics.json")):
        name = summary_name(sweep.metric, len(read_json(path).get("classes", ())))
        if read_learning_curve(path.parent, sweep.metric).column != history_column("validation", name):
            raise RunError(
                f"{folder}: an earlier version of archnet ranked its trials by the {sweep.metric} of one class. "
                f"With more than two classes, trials are now ranked by the {METRICS[sweep.metric].macro_label}. Run "
                "the sweep again with a different --out."
            )


def _without_allowed_checks(value: Any) -> Any:
    """The base experiment without `data.allow`, which changes no result; other values unchanged."""
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
        return value
    return {**value, "data": {key: entry for key, entry in value["data"].items() if key != "allow"}}


def _evaluate_trial(sweep: Sweep, folder: Path, trial: Trial) -> None:
    """Evaluate the runs of a trial on the test set, once, and record the trial."""
    evaluated_numbers = read_evaluated_trials(folder)
    run_folders = [trial_folder(folder, trial.number) / name for name in trial.runs]
    for run_folder in run_folders:
        if trial.number not in evaluated_numbers or _lacks_test_metrics(run_folder):
            run_task(evaluation_task(run_folder), COMMAND, "evaluating the best trial on the test set failed")
    if trial.number not in evaluated_numbers:
        write_json(folder / EVALUATED_TRIALS_FILE, {"trials": [*evaluated_numbers, trial.number]})
    if len(run_folders) > 1:
        write_comparison_with_froc(trial_folder(folder, trial.number), run_folders)


def _lacks_test_metrics(run_folder: Path) -> bool:
    """Whether a run has a test set but no test metrics, as after a rerun of its trial."""
    verify_run(run_folder, ["split.csv", "metrics.json"], while_rewritten=True)
    has_test = any(name == "test" for _, (name,) in read_rows(run_folder / "split.csv", ["set"]))
    return has_test and "test" not in read_json(run_folder / "metrics.json")


def read_evaluated_trials(folder: Path) -> list[int]:
    """The numbers of the trials evaluated on the test set, in order."""
    return list((read_optional_json(folder / EVALUATED_TRIALS_FILE) or {"trials": []})["trials"])
