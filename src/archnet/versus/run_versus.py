"""Run a versus: train its remaining runs with the sweep engine, compare them, and write its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from archnet.errors import RunError
from archnet.evaluation.run_folder import is_finished, read_json, read_optional_json
from archnet.files.atomic import write_json
from archnet.files.progress import Progress, no_progress
from archnet.runs.comparison import write_comparison_page_with_froc
from archnet.spec.experiment import SETS
from archnet.sweep.results.trials import Trial, read_trials, trial_folder
from archnet.sweep.run import Runner, lock_sweep_folder, open_schedule, run_schedule
from archnet.versus.plan.form_names import QUESTION_FOLDERS
from archnet.versus.plan.plan_reader import read_plan
from archnet.versus.plan.versus_files import PLAN_FILE, VERSUS_FILE
from archnet.versus.plan.versus_plan import VersusPlan
from archnet.versus.report.versus_document import versus_document
from archnet.versus.report.versus_page import write_versus_page
from archnet.versus.results.versus_result import VersusResult, read_result


def run_versus(
    plan: VersusPlan,
    folder: Path,
    document: dict[str, Any],
    *,
    runner: Runner | None = None,
    progress: Progress = no_progress,
    on_trial_end: Callable[[Trial], None] = lambda trial: None,
) -> VersusResult:
    """Run the remaining runs of a versus, compare them, and write `versus.json` and the pages.

    Args:
        plan: The plan.
        folder: A folder that `check_versus_folder` accepts.
        document: The content of plan.json.
        runner: Carries out the runs; by default with Ray on this machine.
        progress: Wraps long iterations while data are prepared.
        on_trial_end: Called with each trial that has ended.

    Raises:
        ArchnetError: The folder is in use or holds another versus, the data or Ray cannot be used, or too few runs
            have finished.
    """
    with lock_sweep_folder(folder):
        started = read_optional_json(folder / PLAN_FILE)
        if started is None:
            write_json(folder / PLAN_FILE, document)
        schedule = open_schedule(
            plan.sweep, folder, resume=True, progress=progress, on_trial_end=on_trial_end, evaluated_sets=SETS
        )
        if started is not None and started.get("resources") != document["resources"]:
            write_json(folder / PLAN_FILE, document)
        run_schedule(schedule, runner)
        return write_result(plan, folder)


def write_result(plan: VersusPlan, folder: Path) -> VersusResult:
    """Compare the finished runs of a versus and write its files.

    Raises:
        RunError: No question can be answered, or the runs cannot be compared.
        DataError: A run's files are damaged.
    """
    result = read_result(plan, folder)
    for match, comparison in result.comparisons.items():
        write_comparison_page_with_froc(folder / QUESTION_FOLDERS[match], comparison)
    write_json(folder / VERSUS_FILE, versus_document(result))
    write_versus_page(folder, result, read_json(folder / PLAN_FILE))
    return result


def rewrite_result(folder: Path) -> list[Path]:
    """Compare the finished runs of a versus folder again, and rewrite `versus.json` and the pages.

    Returns:
        The pages of the comparisons, then that of the versus.

    Raises:
        ArchnetError: The folder is in use, no question can be answered, or a file is damaged.
    """
    with lock_sweep_folder(folder):
        result = write_result(read_plan(folder), folder)
        comparisons = [folder / QUESTION_FOLDERS[match] / "report.html" for match in result.comparisons]
        return [*comparisons, folder / "report.html"]


def versus_runs(folder: Path) -> list[Path]:
    """The finished runs of a versus folder, in the order of its variants."""
    places = [trial_folder(folder, trial.number) / name for trial in read_trials(folder) for name in trial.runs]
    return [place for place in places if is_finished(place)]


def check_versus_folder(folder: Path, *, resume: bool) -> None:
    """Check that a folder can take a new versus, or contains one to resume.

    Raises:
        RunError: It contains a versus although `resume` is false, or something else.
    """
    if (folder / PLAN_FILE).exists():
        if not resume:
            raise RunError(
                f"{folder}: already contains results of archnet versus. Resume it with --resume, or use a different "
                "--out."
            )
        return
    if any((folder / name).exists() for name in ("experiment.json", "sweep.json", "metrics.json", "report.html")):
        raise RunError(f"{folder}: contains other results. Use a different --out.")


def count_finished_runs(folder: Path) -> int:
    """Number of runs of a versus that have finished."""
    return len(versus_runs(folder))
