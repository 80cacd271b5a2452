"""Rows for folders of several runs: a sweep, a versus, and an experiment whose data are being prepared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from archnet.evaluation.run_folder import read_json, read_run_table
from archnet.files.csv_rows import parse_number
from archnet.listing.run_row import FINISHED, INTERRUPTED, RUNNING, RunRow, is_used, modification_time
from archnet.listing.tags import read_tags
from archnet.runs.folders.folder_match import read_reservation
from archnet.runs.folders.replacement import is_network_run
from archnet.spec.metrics import METRICS
from archnet.sweep.results.trials import END_STATES, STATES, SWEEP_FILE, Trial, read_sweep, read_trials
from archnet.versus.plan.versus_files import PLAN_FILE, VERSUS_FILE


def read_sweep_row(folder: Path, name: str) -> RunRow:
    """The row of a sweep; its result is that of the best trial on the validation set.

    Raises:
        ArchnetError: A file is damaged.
    """
    sweep, trials = read_sweep(folder), read_trials(folder)
    is_whole = (folder / "leaderboard.csv").exists() and all(trial.state in END_STATES for trial in trials)
    best, results = _read_best(folder) if is_whole and sweep else (None, {})
    detail = f"sweep: {_counts_text(trials, sweep.num_trials if sweep else len(trials))}"
    return RunRow(
        name=name,
        folder=folder,
        kind="sweep",
        state=_state(folder, is_whole=is_whole),
        detail=detail + (f"; best: trial {best}" if best is not None else ""),
        started=modification_time(folder / SWEEP_FILE),
        results={"validation": results} if results else {},
        experiment=sweep.name if sweep else name,
        tags=read_tags(folder),
    )


def read_versus_row(folder: Path, name: str) -> RunRow:
    """The row of a versus.

    Raises:
        ArchnetError: A file is damaged.
    """
    plan, trials = read_json(folder / PLAN_FILE), read_trials(folder)
    runs = [run for trial in trials for run in trial.runs.values()]
    finished = sum(run.state == FINISHED for run in runs)
    return RunRow(
        name=name,
        folder=folder,
        kind="versus",
        state=_state(folder, is_whole=(folder / VERSUS_FILE).exists()),
        detail=f"versus of {plan['arch']}: {', '.join(plan['forms'])}; {finished} of {plan['runs']} runs finished",
        started=modification_time(folder / PLAN_FILE),
        experiment=plan["name"],
        tags=read_tags(folder),
    )


def read_prepared_rows(folder: Path, name: str) -> list[RunRow]:
    """The runs that another process is going to make in an experiment's folder, while it prepares their data."""
    reserved = read_reservation(folder) or {}
    return [
        RunRow(
            name=f"{name}/{run}",
            folder=folder / run,
            kind="network",
            state=RUNNING,
            detail="not started yet",
            started=modification_time(folder),
            document=document,
            experiment=str(reserved.get("name", "")),
        )
        for run, document in reserved.get("runs", {}).items()
        if not is_network_run(folder / run) and not (folder / run / "data.json").exists()
    ]


def _state(folder: Path, *, is_whole: bool) -> str:
    return RUNNING if is_used(folder) else FINISHED if is_whole else INTERRUPTED


def _counts_text(trials: Sequence[Trial], num_trials: int) -> str:
    counts = Counter(trial.state for trial in trials)
    others = [f"{counts[state]} {state}" for state in STATES if state != FINISHED and counts[state]]
    return ", ".join([f"{counts[FINISHED]} of {max(num_trials, len(trials))} trials finished", *others])


def _read_best(folder: Path) -> tuple[str | None, dict[str, float | None]]:
    """The number of the best trial, and its metric, from leaderboard.csv."""
    table = read_run_table(folder / "leaderboard.csv")
    first = dict(zip(table.header, table.rows[0], strict=True)) if table.rows else {}
    if first.get("rank") != "1":
        return None, {}
    values = {column.removeprefix("validation_").removeprefix("macro_"): text for column, text in first.items()}
    return first.get("trial"), {name: _number(text) for name, text in values.items() if name in METRICS}


def _number(text: str) -> float | None:
    try:
        return parse_number(text)
    except ValueError:
        return None
