"""Placement: the folder in which an experiment is run, and what has changed since it was run before.

Runs with other settings are never mixed or overwritten: by default an experiment whose settings have changed gets a
folder with the next number. The same settings are not run twice.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.evaluation.comparison.document_differences import Difference
from archnet.evaluation.run_folder import is_finished
from archnet.files.atomic import write_json
from archnet.files.locks import LockedError
from archnet.report.sentences.document_difference import differences_line
from archnet.runs.folders.experiment_folder import (
    check_no_other_document,
    check_same_folder,
    existing_run_error,
    experiment_folder,
    lock_experiment_folder,
    run_name,
)
from archnet.runs.folders.folder_match import (
    FolderMatch,
    match_folder,
    next_folder,
    numbered_folders,
    write_reservation,
)
from archnet.runs.folders.replacement import (
    REPLACED_FOLDER,
    replace_runs,
    restore_unreplaced_runs,
    settle_replaced_runs,
)
from archnet.spec.experiment import Experiment

log: Final = logging.getLogger("archnet")
folder_log: Final = logging.getLogger("archnet.folder")
folder_log.setLevel(logging.INFO)

CHANGES_FILE: Final = "changes.json"

_MAX_ATTEMPTS: Final = 20
"""Number of folders that other processes may take first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes since an experiment was last run.

    Attributes:
        previous: The run folder of the run before.
        differences: The settings that differ, from that run to the new one.
    """

    previous: Path
    differences: tuple[Difference, ...]

    def to_document(self, run_folder: Path) -> dict[str, Any]:
        """The content of changes.json in a run folder, to which `previous` is relative."""
        previous = Path(os.path.relpath(self.previous, run_folder)).as_posix()
        return {"previous": previous, "differences": list(self.differences)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlacement:
    """The folder in which an experiment is run, and its changes.

    Attributes:
        folder: The experiment's folder.
        changes: What has changed, by the names of the runs; only of runs that were run before with other settings.
        is_replaced: Whether the runs in the folder are replaced.
        is_whole: Whether all files of the folder are replaced with them, since data or split differ.
        left_behind: Other runs of the same architectures in a folder whose runs are replaced.
    """

    folder: Path
    changes: Mapping[str, Changes] = field(default_factory=dict)
    is_replaced: bool = False
    is_whole: bool = False
    left_behind: tuple[str, ...] = ()

    def line(self, name: str) -> str:
        """The changes since a run was last made, and its folder, in words; empty for a new run."""
        run_folder, changes = self.folder / name, self.changes.get(name)
        kept = f"{self.folder / REPLACED_FOLDER} keeps the old run until the new one is finished"
        if changes is None:
            return f"Replacing {run_folder}, which has the same settings: {kept}." if self.is_replaced else ""
        if not changes.differences:
            return f"{run_folder}: the same settings as {changes.previous}, for a comparison with the other runs here."
        where = f"This run replaces it: {kept}." if self.is_replaced else f"This run is saved in {run_folder}."
        return f"Changed since {changes.previous}: {differences_line(changes.differences)}. {where}"


@contextmanager
def open_experiment_folder(
    experiments: Sequence[Experiment], out: Path | None, *, resume: bool = False, overwrite: bool = False
) -> Iterator[FolderPlacement]:
    """Choose the folder of an experiment, and hold its lock while the block runs.

    Args:
        experiments: The runs.
        out: The experiment's folder; by default runs/<experiment>, or a folder with a number after it.
        resume: Choose the folder whose runs have the same settings, to make those that are missing.
        overwrite: Replace the latest runs, or those in `out`. They are kept aside until the new ones are finished.

    Raises:
        RunError: The same settings were run before, or there is nothing to resume; or another process is writing to the
            folder; or `out` is the folder of a project or of a run.
    """
    check_same_folder(experiments)
    check_no_other_document(out)
    with ExitStack() as block:
        placement = _lock_placement(block, experiments, out, resume=resume, overwrite=overwrite)
        reservation = write_reservation(placement.folder, experiments)
        block.callback(reservation.unlink, missing_ok=True)
        names = [run_name(experiment) for experiment in experiments]
        for line in _announcement(placement, names):
            folder_log.info(line)
        if placement.is_replaced:
            block.enter_context(
                replace_runs(placement.folder, names, left_behind=placement.left_behind, is_whole=placement.is_whole)
            )
        elif (placement.folder / REPLACED_FOLDER).is_dir():
            block.callback(settle_replaced_runs, placement.folder)
        yield placement


def _lock_placement(
    block: ExitStack, experiments: Sequence[Experiment], out: Path | None, *, resume: bool, overwrite: bool
) -> FolderPlacement:
    """Choose a folder and lock it; choose again if another process has locked it in the meantime."""
    folder: Path | None = None
    for _ in range(_MAX_ATTEMPTS):
        placement = _place(experiments, out, resume=resume, overwrite=overwrite)
        is_chosen_again, folder = placement.folder == folder, placement.folder
        with ExitStack() as lock:
            try:
                lock.enter_context(lock_experiment_folder(folder))
            except LockedError:
                if out is not None or is_chosen_again:
                    raise
                continue
            restore_unreplaced_runs(folder)
            chosen = _place(experiments, out, resume=resume, overwrite=overwrite)
            if chosen.folder == folder:
                block.push(lock.pop_all())
                return chosen
    raise RunError(f"{folder}: other processes keep claiming this folder. Choose another folder with --out.")


def _place(experiments: Sequence[Experiment], out: Path | None, *, resume: bool, overwrite: bool) -> FolderPlacement:
    if out is not None and not overwrite:
        return FolderPlacement(folder=out)  # the runs there are checked when they are made
    base = experiment_folder(experiments[0])
    folders = [out] if out is not None else numbered_folders(base, experiments[0].name)
    matches = [match_folder(folder, experiments) for folder in folders]
    identical = next((match for match in matches if match.is_identical), None)
    if identical is not None:
        return _place_identical(identical, resume=resume, overwrite=overwrite)
    replaceable = [match for match in matches if match.is_replaceable or (out is not None and match.shared)]
    if overwrite and replaceable:
        return _place_replacement(replaceable[-1])
    free = next((match for match in matches if match.fits), None)
    if free is not None or out is not None:
        return FolderPlacement(folder=free.folder if free else folders[0])
    return _place_anew(base, matches, resume=resume)


def _place_identical(match: FolderMatch, *, resume: bool, overwrite: bool) -> FolderPlacement:
    """The folder of runs with the same settings, which are resumed or replaced.

    Raises:
        RunError: They are neither.
    """
    if not (resume or overwrite or match.is_in_use):
        run_folders = [match.folder / name for name in match.same]
        raise existing_run_error(next((one for one in run_folders if is_finished(one)), run_folders[0]))
    return FolderPlacement(folder=match.folder, is_replaced=overwrite and not resume)


def _place_replacement(match: FolderMatch) -> FolderPlacement:
    """The folder of runs with other settings, which are replaced."""
    return FolderPlacement(
        folder=match.folder,
        changes=_changes(match),
        is_replaced=True,
        is_whole=bool(match.shared),
        left_behind=match.left_behind,
    )


def _place_anew(base: Path, matches: Sequence[FolderMatch], *, resume: bool) -> FolderPlacement:
    """The folder with the next number.

    Raises:
        RunError: Runs are to be resumed.
    """
    latest = next((match for match in reversed(matches) if match.previous or match.shared), None)
    if resume and latest is not None:
        changes = [differences for differences in latest.differences.values() if differences] or [latest.shared]
        raise RunError(
            f"{latest.folder}: these settings have not been run yet, so there is nothing to resume: "
            f"{differences_line(changes[0])}. Remove --resume to run them in a new folder."
        )
    return FolderPlacement(
        folder=next_folder(base, [match.folder for match in matches]), changes=_changes(latest) if latest else {}
    )


def _changes(match: FolderMatch) -> dict[str, Changes]:
    return {
        name: Changes(previous=previous, differences=match.differences[name])
        for name, previous in match.previous.items()
    }


def write_changes(run_folder: Path, placement: FolderPlacement | None, *, is_resumed: bool) -> None:
    """Write changes.json into a run folder with a number; remove that of an earlier run, unless it is resumed."""
    changes = placement.changes.get(run_folder.name) if placement and not placement.is_replaced else None
    if changes is not None:
        write_json(run_folder / CHANGES_FILE, changes.to_document(run_folder))
    elif not is_resumed:
        (run_folder / CHANGES_FILE).unlink(missing_ok=True)


def log_changes(run_folder: Path, placement: FolderPlacement | None) -> None:
    """Log what has changed since a run was made before, and where it is saved; for log.txt alone."""
    line = placement.line(run_folder.name) if placement else ""
    if line:
        log.info(line)


def _announcement(placement: FolderPlacement, names: Sequence[str]) -> list[str]:
    """One line for each distinct change, since folds and seeds often share it."""
    lines: dict[str | None, str] = {}
    for name in names:
        changes = placement.changes.get(name)
        lines.setdefault(differences_line(changes.differences) if changes else None, placement.line(name))
    return [line for line in lines.values() if line]
