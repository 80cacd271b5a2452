"""Replacement: runs that --overwrite replaces are kept aside until the new ones are finished.

They move to the folder `.replaced` in the experiment's folder; if data or split differ, the files that all runs share
move with them. They are removed when the new runs are finished. They move back if none of the new runs has begun;
otherwise they are kept, and the new runs can be resumed.

The user's own files are never removed: in the experiment's folder they stay, and those in a replaced run move into the
new one.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from archnet.errors import RunError
from archnet.evaluation.integrity.manifest import MANIFEST_FILE, RUN_FILES
from archnet.evaluation.run_folder import CHECKPOINT, is_baseline, is_finished
from archnet.files.atomic import remove_at_once
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.runs.folders.experiment_folder import is_started
from archnet.spec.outputs.output_file import read_cache

log: Final = logging.getLogger("archnet")

REPLACED_FOLDER: Final = ".replaced"
"""The folder in an experiment's folder that keeps the replaced runs."""

_SHARED_FILES: Final = frozenset(
    {"experiment.json", "split.csv", "comparison.json", "verdict.svg", "strata.csv", "report.html", "together"}
)
"""The files of an experiment's folder beside its runs; all others are the user's."""

_RUN_ENTRIES: Final = frozenset(
    {*(name.rstrip("/") for name in RUN_FILES), MANIFEST_FILE, CHECKPOINT, "log.txt", "tags.json", "tensorboard"}
)
"""The files and folders in a run folder that archnet writes, apart from hidden ones; all others are the user's."""


@contextmanager
def replace_runs(
    folder: Path, names: Sequence[str], *, left_behind: Sequence[str] = (), is_whole: bool = False
) -> Iterator[None]:
    """Keep runs aside while the block makes new ones, and remove or restore them when it ends.

    Args:
        folder: The experiment's folder, locked by this process.
        names: The runs that the block makes.
        left_behind: Other runs of the same architectures, with other settings.
        is_whole: Replace all runs with the files that they share, since their data or split differ.

    Raises:
        RunError: The folder holds other runs as well, or runs that an earlier command was replacing.
    """
    _discard_interrupted_runs(folder)
    others = [name for name in _run_names(folder) if name not in names] if is_whole else left_behind
    if others:
        raise RunError(
            f"{folder}: also holds {', '.join(others)}, with other settings, which --overwrite would leave behind. "
            "Remove it, run it again with this command, or choose a different folder with --out."
        )
    try:
        _move_aside(folder, names, is_whole=is_whole)
        yield
    finally:
        settle_replaced_runs(folder)


def settle_replaced_runs(folder: Path) -> None:
    """Remove or restore runs that were replaced, or warn that they are kept; nothing where there are none."""
    aside = folder / REPLACED_FOLDER
    names = _run_names(aside)
    if not names:
        if aside.is_dir():
            _settle_shared_files(folder)
    elif all(is_finished(folder / name) for name in names):
        _discard_replaced(folder)
    elif not _is_begun(folder, names):
        _restore(folder)
        log.warning("%s: the earlier %s restored.", folder, "run is" if len(names) == 1 else "runs are")
    else:
        log.warning(
            "%s: the earlier %s here until the new %s finished. To finish, use --resume. "
            "To go back, replace %s with it.",
            aside,
            "run is kept" if len(names) == 1 else "runs are kept",
            "one is" if len(names) == 1 else "ones are",
            ", ".join(str(folder / name) for name in names),
        )


def restore_unreplaced_runs(folder: Path) -> None:
    """Restore the runs that a killed process has moved aside before it began new ones; the caller holds the lock."""
    aside = folder / REPLACED_FOLDER
    if aside.is_dir() and not _is_begun(folder, _run_names(aside)):
        settle_replaced_runs(folder)


def _is_begun(folder: Path, names: Sequence[str]) -> bool:
    return any(is_finished(folder / name) or is_started(folder / name) for name in names)


def _settle_shared_files(folder: Path) -> None:
    """Discard what is kept aside without a run of a network if the folder holds new runs, or else restore it."""
    if _run_names(folder):
        _discard_replaced(folder)
    else:
        _restore(folder)


def _discard_replaced(folder: Path) -> None:
    """Remove the replaced runs at once: a half-removed one would look like one to restore. The user's files stay."""
    aside = folder / REPLACED_FOLDER
    for run_folder in [path for path in aside.iterdir() if path.is_dir() and not path.is_symlink()]:
        _move_user_files(run_folder, folder / run_folder.name)
    remove_at_once(aside)


def _move_user_files(run_folder: Path, target: Path) -> None:
    """Move what archnet has not written from a run folder into another, or next to it if there is none."""
    for path in list(run_folder.iterdir()):
        if path.name not in _RUN_ENTRIES and not path.name.startswith(".archnet"):
            path.rename(_free_path((target if target.is_dir() else target.parent) / path.name))


def _free_path(path: Path) -> Path:
    """The path, or the same name with the first free number if it exists."""
    paths = (path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(1))
    return next(path for path in paths if not os.path.lexists(path))


def _run_names(folder: Path) -> list[str]:
    """The names of the folders with runs of networks, finished or interrupted."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [entry.name for entry in entries if is_network_run(entry)]


def is_network_run(folder: Path) -> bool:
    """Whether a folder holds a run of a network, finished or interrupted."""
    document = read_cache(folder / "experiment.json", "reservation") or {}
    return (is_finished(folder) or is_started(folder)) and not is_baseline(document)


def _discard_interrupted_runs(folder: Path) -> None:
    """Remove the unfinished new runs of an earlier replacement, whose replaced runs then move back."""
    aside = folder / REPLACED_FOLDER
    names = _run_names(aside)
    finished = [name for name in names if is_finished(folder / name)]
    if finished and len(finished) < len(names):
        raise RunError(
            f"{aside}: keeps the runs that an interrupted --overwrite replaced, and {', '.join(finished)} of the new "
            f"runs is finished. Finish the others with --resume first, or remove {aside}."
        )
    for name in names:
        if is_started(folder / name):
            _move_user_files(folder / name, aside / name)
            shutil.rmtree(folder / name)
    settle_replaced_runs(folder)


def _move_aside(folder: Path, names: Sequence[str], *, is_whole: bool) -> None:
    aside = folder / REPLACED_FOLDER
    runs = [folder / name for name in names if (folder / name).is_dir()]
    for run_folder in runs:
        with lock_folder(run_folder, timeout_s=RUN_LOCK_SECONDS):
            pass  # no process is writing to it
    moved = _own_files(folder) if is_whole else runs
    if moved:
        aside.mkdir(exist_ok=True)
    for path in moved:
        path.rename(aside / path.name)


def _own_files(folder: Path) -> list[Path]:
    """The runs and the files that they share, networks first: without one of them, nothing is restored."""
    runs = [path for path in folder.iterdir() if path.is_dir() and (is_finished(path) or is_started(path))]
    shared = [folder / name for name in sorted(_SHARED_FILES) if (folder / name).exists()]
    return [*sorted(runs, key=lambda path: (not is_network_run(path), path.name)), *shared]


def _restore(folder: Path) -> None:
    """Move everything back that was kept aside; what the new runs left in its place is removed."""
    aside = folder / REPLACED_FOLDER
    for path in sorted(aside.iterdir()):
        place = folder / path.name
        if place.is_dir() and not place.is_symlink():
            _move_user_files(place, path)
            shutil.rmtree(place)
        path.replace(place)
    aside.rmdir()
