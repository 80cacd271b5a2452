"""The crop store: what was cut from scans once, on disk, memory-mapped for training.

A store is a folder named by a digest of everything that shapes its values. It holds `crops.npy` (rows, height, width,
depth), `index.csv` (the case of each row) and `store.json` (what decides it, and the scans that could not be read).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from filelock import FileLock, Timeout

from archnet.data.build_store import build_store, draft_folder, matches_recipe, num_finished_scans, write_journal
from archnet.data.dataset import Crops, UnreadableScan
from archnet.data.recipe import Recipe, absolute_path, scan_fingerprint, store_name
from archnet.errors import DataError
from archnet.files.progress import Progress, silent
from archnet.files.user_folders import data_home


def store_home() -> Path:
    """The folder of all stores: `$ARCHNET_STORE`, else beside the data sets."""
    folder = os.environ.get("ARCHNET_STORE")
    return Path(folder) if folder else data_home() / "store"


def open_crops(recipe: Recipe, progress: Progress = silent) -> Crops:
    """The crops of a recipe, memory-mapped; cut now if they are not there yet.

    Two processes that want the same crops cut them once: the second waits. An interrupted store is continued.

    Raises:
        DataError: A list does not fit its scans, the disk is too small, or no scan can be read.
    """
    folder = store_home() / store_name(recipe.description())
    if not _is_complete(folder, recipe) or _needs_reopening(folder, recipe):
        with _hold_lock(folder, progress):
            if not _is_complete(folder, recipe):
                _discard(folder)
            elif _needs_reopening(folder, recipe):
                _reopen(folder, recipe)
            if not folder.is_dir():
                build_store(recipe, recipe.description(), folder, progress)
    values = np.load(folder / "crops.npy", mmap_mode="r", allow_pickle=False)
    unreadable = [UnreadableScan(**entry) for entry in _read_store_json(folder)["lost"]]
    is_there = np.ones(len(recipe.ids), bool)
    for number in _unreadable_numbers(recipe, folder):
        is_there[recipe.rows[number]] = False
    return Crops(values=values, is_there=is_there, unreadable_scans=tuple(unreadable))


def _is_complete(folder: Path, recipe: Recipe) -> bool:
    """Whether a finished store is there, with nothing removed or cut off."""
    return (folder / "store.json").is_file() and matches_recipe(folder / "crops.npy", recipe)


def _unreadable_numbers(recipe: Recipe, folder: Path) -> list[int]:
    unreadable = {entry["scan"] for entry in _read_store_json(folder)["lost"]}
    return [number for number, scan in enumerate(recipe.scans) if absolute_path(scan) in unreadable]


def _needs_reopening(folder: Path, recipe: Recipe) -> bool:
    """Whether a scan that could not be read now can: a file may be put back with its size and time."""
    return any(_is_readable(recipe, number) for number in _unreadable_numbers(recipe, folder))


def _is_readable(recipe: Recipe, number: int) -> bool:
    try:
        next(recipe.cut(number))
    except DataError:
        return False
    return True


def _reopen(folder: Path, recipe: Recipe) -> None:
    """Makes a finished store an unfinished one that lacks its lost scans."""
    unreadable = set(_unreadable_numbers(recipe, folder))
    draft = draft_folder(folder)
    write_journal(
        draft.with_suffix(".journal"), [n for n in range(len(recipe.scans)) if n not in unreadable], mode="wb"
    )
    _discard(draft)
    folder.rename(draft)


def _discard(folder: Path) -> None:
    """Removes a folder; a process that is killed meanwhile leaves no half of it under its name."""
    if folder.is_dir():
        trash = Path(tempfile.mkdtemp(prefix="removed-", dir=store_home() / ".unfinished"))
        folder.rename(trash / folder.name)
        shutil.rmtree(trash)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """What is stored of a recipe.

    Attributes:
        folder: Of the store.
        num_bytes: Of all crops.
        num_scans: Scans that the crops come from.
        num_finished: Of these, scans that are cut.
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
    """What is stored of a recipe; nothing is cut."""
    folder = store_home() / store_name(recipe.description())
    finished = len(recipe.scans) if _is_complete(folder, recipe) else num_finished_scans(folder)
    return StoreState(folder=folder, num_bytes=recipe.num_bytes, num_scans=len(recipe.scans), num_finished=finished)


State = Literal["ready", "unfinished", "changed", "gone", "damaged"]
_MEANING: Final[dict[State, str]] = {
    "ready": "ready",
    "unfinished": "unfinished",
    "changed": "stale: its scans have changed",
    "gone": "its scans are not there (a disk that is not mounted?)",
    "damaged": "damaged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCrops:
    """One store on disk.

    Attributes:
        folder: Of the store.
        source: Data set and folder that it was cut from.
        num_crops: Its rows.
        num_bytes: On disk.
        state: "ready", or why it is not; "changed" and "damaged" can never be used again.
    """

    folder: Path
    source: str
    num_crops: int
    num_bytes: int
    state: State

    def summary(self) -> str:
        """The store in one line."""
        size = f"{self.num_crops:>9,} crops  {self.num_bytes / 1e6:>10,.1f} MB"
        return f"{self.folder.name}  {size}  {_MEANING[self.state]}  {self.source}"


def list_stores() -> list[StoredCrops]:
    """Every store, finished or not, by name."""
    root = store_home()
    folders = [
        path for path in (*root.glob("*"), *root.glob(".unfinished/*")) if _is_store_name(path) and path.is_dir()
    ]
    return [_describe_store(path) for path in sorted(folders)]


def prune_stores(*, everything: bool = False, dry_run: bool = False) -> list[StoredCrops]:
    """Removes stores that can never be used again; one that another process is cutting stays.

    Args:
        everything: Removes those that could still be used too.
        dry_run: Removes nothing.

    Returns:
        The stores that are removed, or would be.
    """
    chosen = [store for store in list_stores() if everything or store.state in ("changed", "damaged")]
    return [store for store in chosen if _remove(store.folder, dry_run=dry_run)]


def _remove(folder: Path, *, dry_run: bool) -> bool:
    """Removes a store, unless another process is cutting or has removed it."""
    final = store_home() / folder.name
    try:
        with _lock(final).acquire(blocking=False):
            if dry_run or not folder.is_dir():
                return folder.is_dir()
            draft_folder(final).with_suffix(".journal").unlink(missing_ok=True)
            _discard(folder)
    except Timeout:
        return False
    return True


def _is_store_name(path: Path) -> bool:
    return re.fullmatch("[0-9a-f]{16}", path.name) is not None


def _describe_store(folder: Path) -> StoredCrops:
    try:
        document = _read_store_json(folder)
    except DataError:
        document = {}
    is_finished = folder.parent.name != ".unfinished"
    return StoredCrops(
        folder=folder,
        source=str(document.get("source", "unknown")),
        num_crops=int(document.get("crops", 0)),
        num_bytes=sum(_bytes_on_disk(path) for path in folder.glob("*")),
        state=_current_state(document, is_finished=is_finished and (folder / "crops.npy").is_file())
        if document
        else "damaged",
    )


def _current_state(document: Mapping[str, Any], *, is_finished: bool) -> State:
    scans = [(Path(scan["path"]), scan["files"]) for scan in document["scans"]]
    if not any(path.exists() for path, _ in scans):
        return "gone"
    if any(scan_fingerprint(path) != files for path, files in scans):
        return "changed"
    return "ready" if is_finished else "unfinished"


def _bytes_on_disk(path: Path) -> int:
    """What a file takes; rows that are not cut yet take nothing."""
    stat = path.stat()
    return min(stat.st_size, getattr(stat, "st_blocks", stat.st_size) * 512)


def _read_store_json(folder: Path) -> dict[str, Any]:
    """What store.json says.

    Raises:
        DataError: It is missing or damaged.
    """
    path = folder / "store.json"
    try:
        document = json.loads(path.read_bytes())
        return {"lost": [], **{key: document[key] for key in ("source", "crops", "scans")}, **document}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged. Remove it with archnet data prune; the crops are cut again.") from error


@contextmanager
def _hold_lock(folder: Path, progress: Progress) -> Iterator[None]:
    """Holds the right to cut a store; waits for a process that has it."""
    try:
        draft_folder(folder).parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            for _ in progress(map(lock.acquire, [None]), "Waiting for another process that cuts the same crops", 1):
                pass
    except OSError as error:
        raise DataError(
            f"{store_home()}: crops cannot be stored here ({error.strerror}). Set $ARCHNET_STORE to a folder for them."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _lock(folder: Path) -> FileLock:
    return FileLock(draft_folder(folder).with_suffix(".lock"))
