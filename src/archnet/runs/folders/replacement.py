"""Replacement: runs that --overwrite replaces are kept aside until the new ones are finished.

They move to the folder `.replaced` in the experiment's folder; if data or split differ, all other files of that folder
move with them. They are removed when the new runs are finished. They move back if none of the new runs has begun;
otherwise they are kept, and the new runs can be resumed.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from archnet.errors import RunError
from archnet.evaluation.run_folder import is_baseline, is_finished
from archnet.files.locks import LOCK_FILE, RUN_LOCK_SECONDS, lock_folder
from archnet.runs.folders.experiment_folder import is_started
from archnet.runs.folders.folder_match import RESERVATION_FILE
from archnet.spec.outputs.output_file import read_cache

log: Final = logging.getLogger("archnet")

REPLACED_FOLDER: Final = ".replaced"
"""The folder in an experiment's folder that keeps the replaced runs."""

_FOLDER_FILES: Final = frozenset({LOCK_FILE, RESERVATION_FILE, REPLACED_FOLDER})
"""Files that stay in a folder whose other files are all replaced."""


@contextmanager
def replace_runs(
    folder: Path, names: Sequence[str], *, left_behind: Sequence[str] = (), is_whole: bool = False
) -> Iterator[None]:
    """Keep runs aside while the block makes new ones, and remove or restore them when it ends.

    Args:
        folder: The experiment's folder, locked by this process.
        names: The runs that the block makes.
        left_behind: Other runs of the same architectures, with other settings.
        is_whole: Replace the folder with all its files, since its runs have other data or another split.

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
    _move_aside(folder, names, is_whole=is_whole)
    try:
        yield
    finally:
        settle_replaced_runs(folder)


def settle_replaced_runs(folder: Path) -> None:
    """Remove or restore runs that were replaced, or warn that they are kept; nothing where there are none."""
    aside = folder / REPLACED_FOLDER
    names = _run_names(aside)
    if not names:
        if aside.is_dir():
            _restore(folder)
    elif all(is_finished(folder / name) for name in names):
        shutil.rmtree(aside)
    elif not any(is_finished(folder / name) or is_started(folder / name) for name in names):
        _restore(folder)
        log.warning("%s: the earlier %s restored.", folder, "run is" if len(names) == 1 else "runs are")
    else:
        log.warning(
            "%s: the earlier %s here until the new %s finished. To finish, use --resume. To go back, replace %s by it.",
            aside,
            "run is kept" if len(names) == 1 else "runs are kept",
            "one is" if len(names) == 1 else "ones are",
            ", ".join(str(folder / name) for name in names),
        )


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
            shutil.rmtree(folder / name)
    settle_replaced_runs(folder)


def _move_aside(folder: Path, names: Sequence[str], *, is_whole: bool) -> None:
    aside = folder / REPLACED_FOLDER
    runs = [folder / name for name in names if (folder / name).is_dir()]
    for run_folder in runs:
        with lock_folder(run_folder, timeout_s=RUN_LOCK_SECONDS):
            pass  # no process is writing to it
    moved = [path for path in folder.iterdir() if path.name not in _FOLDER_FILES] if is_whole else runs
    if moved:
        aside.mkdir(exist_ok=True)
    for path in moved:
        path.rename(aside / path.name)


def _restore(folder: Path) -> None:
    """Move everything back that was kept aside; what the new runs left in its place is removed."""
    aside = folder / REPLACED_FOLDER
    for path in sorted(aside.iterdir()):
        place = folder / path.name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        path.replace(place)
    aside.rmdir()
