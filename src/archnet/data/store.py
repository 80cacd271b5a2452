"""The crop store: crops extracted once from scans, stored on disk and memory-mapped for training.

A store is a folder named by a digest of everything that determines its values. It contains `crops.npy` (rows, height,
width, depth), `index.csv` (the case of each row), `scans.jsonl` (the statistics and the identity of each scan) and
`store.json` (its parameters, and the scans that could not be read).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.data.build_store import build_store, draft_folder, matches_recipe, num_finished_scans, write_journal
from archnet.data.checks.scan_records import RECORDS_FILE, complete_records
from archnet.data.dataset import Crops, UnreadableScan
from archnet.data.recipe import Recipe, absolute_path, store_name
from archnet.errors import DataError, RunError
from archnet.files.atomic import remove_leftovers
from archnet.files.locks import LOCK_FILE, LockedError, hold_lock
from archnet.files.progress import Progress, no_progress
from archnet.files.user_folders import store_home
from archnet.spec.outputs.output_file import STORE_REMEDY, read_output

TRASH_SUFFIX: Final = ".removed"
"""Suffix of the folder to which a store is moved for its removal."""


def open_crops(recipe: Recipe, progress: Progress = no_progress) -> Crops:
    """Return the crops of a recipe, memory-mapped; they are extracted if they do not exist yet.

    If two processes need the same crops, the second waits for the first. An interrupted extraction is resumed.

    Raises:
        DataError: There is not enough disk space, or no scan can be read.
    """
    description = recipe.description()
    folder = store_home() / store_name(description)
    unreadable = _read_unreadable_scans(folder, recipe)
    if unreadable is None or _needs_reopening(recipe, unreadable):
        with _hold_lock(folder, progress):
            unreadable = _complete_store(recipe, description, folder, progress)
    lost = _unreadable_numbers(recipe, unreadable)
    readable = {number: scan for number, scan in enumerate(recipe.scans) if number not in lost}
    records = complete_records(folder / RECORDS_FILE, readable, recipe.read, progress)
    scan_numbers = np.full(len(recipe.ids), -1, np.int64)
    for place, number in enumerate(readable):
        scan_numbers[recipe.rows[number]] = place
    return Crops(
        values=np.load(folder / "crops.npy", mmap_mode="r", allow_pickle=False),
        is_there=scan_numbers >= 0,
        scans=tuple(readable.values()),
        scan_records=tuple(records[number] for number in readable),
        scan_numbers=scan_numbers,
        unreadable_scans=unreadable,
    )


def _complete_store(
    recipe: Recipe, description: Mapping[str, Any], folder: Path, progress: Progress
) -> tuple[UnreadableScan, ...]:
    """Extract missing crops, unless another process has done so meanwhile; return the scans that cannot be read."""
    unreadable = _read_unreadable_scans(folder, recipe)
    if unreadable is None:
        discard_folder(folder)
    elif _needs_reopening(recipe, unreadable):
        _reopen(folder, recipe, unreadable)
    else:
        return unreadable
    return build_store(recipe, description, folder, progress)


def _read_unreadable_scans(folder: Path, recipe: Recipe) -> tuple[UnreadableScan, ...] | None:
    """The unreadable scans of a finished store; None if there is no complete store."""
    if not _is_complete(folder, recipe):
        return None
    return tuple(UnreadableScan(**entry) for entry in read_store_json(folder)["lost"])


def _is_complete(folder: Path, recipe: Recipe) -> bool:
    """Whether a finished store exists with all files complete."""
    return (folder / "store.json").is_file() and matches_recipe(folder / "crops.npy", recipe)


def _unreadable_numbers(recipe: Recipe, unreadable: Sequence[UnreadableScan]) -> set[int]:
    paths = {lost.scan for lost in unreadable}
    return {number for number, scan in enumerate(recipe.scans) if absolute_path(scan) in paths}


def _needs_reopening(recipe: Recipe, unreadable: Sequence[UnreadableScan]) -> bool:
    """Whether an unreadable scan has become readable: a file may be restored with the same size and time."""
    return any(_is_readable(recipe, number) for number in _unreadable_numbers(recipe, unreadable))


def _is_readable(recipe: Recipe, number: int) -> bool:
    try:
        next(recipe.cut(number))
    except DataError:
        return False
    return True


def _reopen(folder: Path, recipe: Recipe, unreadable: Sequence[UnreadableScan]) -> None:
    """Turn a finished store into an unfinished one that lacks its unreadable scans."""
    lost = _unreadable_numbers(recipe, unreadable)
    draft = draft_folder(folder)
    write_journal(draft.with_suffix(".journal"), [n for n in range(len(recipe.scans)) if n not in lost], mode="wb")
    discard_folder(draft)
    _move_store(folder, draft)


def discard_folder(folder: Path) -> None:
    """Remove the folder of a store; a kill during the removal leaves no partial folder under its name.

    Raises:
        DataError: The folder cannot be moved; on Windows, a program may have its crops open.
    """
    if folder.is_symlink():
        folder.unlink()  # what it points to was put there by the user
    elif folder.is_dir():
        trash = _trash_folder(store_home() / folder.name)
        _move_store(folder, trash)
        shutil.rmtree(trash)


def _move_store(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except PermissionError as error:
        raise DataError(
            f"{folder}: cannot be moved ({error.strerror}). On Windows, close all programs that use these crops. "
            "Elsewhere, check the permissions of the folder."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """The state of the crop store of a recipe.

    Attributes:
        folder: Folder of the store.
        num_bytes: Size of all crops.
        num_scans: Number of scans.
        num_finished: Number of scans whose crops have been extracted.
    """

    folder: Path
    num_bytes: int
    num_scans: int
    num_finished: int

    def summary(self) -> str:
        """The state in one line."""
        size = f"{self.num_bytes / 1e6:,.1f} MB"
        if self.num_finished == self.num_scans:
            return f"{size} in {self.folder}"
        return f"{size}, {self.num_finished} of {self.num_scans} scans cut (archnet data prepare)"


def store_state(recipe: Recipe) -> StoreState:
    """Return the state of the crop store of a recipe, without extracting crops."""
    folder = store_home() / store_name(recipe.description())
    finished = len(recipe.scans) if _is_complete(folder, recipe) else num_finished_scans(folder)
    return StoreState(folder=folder, num_bytes=recipe.num_bytes, num_scans=len(recipe.scans), num_finished=finished)


def read_store_json(folder: Path) -> dict[str, Any]:
    """Read store.json.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        return {"lost": [], **read_output(folder / "store.json")}
    except RunError as error:
        raise DataError(f"{folder / 'store.json'}: no such file. {STORE_REMEDY}") from error


@contextmanager
def _hold_lock(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock for building a store, waiting for a process that holds it."""
    with ExitStack() as held:
        try:
            _acquire(held, folder, progress)
        except OSError as error:
            raise DataError(
                f"{store_home()}: crops cannot be stored here ({error.strerror}). Set $ARCHNET_STORE to a folder for "
                "them."
            ) from error
        yield


def _acquire(held: ExitStack, folder: Path, progress: Progress) -> None:
    try:
        held.enter_context(lock_store(folder))
    except LockedError as error:
        waiting = map(held.enter_context, [lock_store(folder, timeout_s=math.inf)])
        for _ in progress(waiting, f"Waiting for another process that extracts the same crops: {error.holder}", 1):
            pass


@contextmanager
def lock_store(folder: Path, timeout_s: float = 0) -> Iterator[None]:
    """Hold the lock of a store while the block runs; partial files of a killed process are removed.

    Args:
        folder: The store's folder when it is finished.
        timeout_s: How long to wait for a process that builds it.

    Raises:
        LockedError: Another process still holds the lock.
    """
    draft = draft_folder(folder)
    draft.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock(draft.with_name(f".{folder.name}{LOCK_FILE}"), timeout_s=timeout_s):
        for part in (folder, draft):
            remove_leftovers(part)
        shutil.rmtree(_trash_folder(folder), ignore_errors=True)
        yield


def _trash_folder(folder: Path) -> Path:
    """The path to which a folder is moved for its removal."""
    return draft_folder(folder).with_suffix(TRASH_SUFFIX)
