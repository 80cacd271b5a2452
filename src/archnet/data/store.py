"""The crop store: what was cut from scans once, on disk, memory-mapped for training.

A store is a folder named by a digest of everything that shapes its values. It holds `crops.npy` (rows, height, width,
depth), `index.csv` (the case of each row) and `store.json` (what decides it, and the scans that could not be read).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from archnet.data.build_store import build_store, num_finished, unfinished
from archnet.data.dataset import Crops, LostScan, Progress, silent
from archnet.data.places import home
from archnet.data.recipe import Recipe, digest, identity
from archnet.errors import DataError


def store_home() -> Path:
    """The folder of all stores: `$ARCHNET_STORE`, else beside the data sets."""
    given = os.environ.get("ARCHNET_STORE")
    return Path(given) if given else home() / "store"


def stored_crops(recipe: Recipe, progress: Progress = silent) -> Crops:
    """The crops of a recipe, memory-mapped; cut now if they are not there yet.

    Two processes that want the same crops cut them once: the second waits. An interrupted store is continued.

    Raises:
        DataError: A list does not fit its scans, the disk is too small, or no scan can be read.
    """
    description = recipe.description()
    folder = store_home() / digest(description)
    if not folder.is_dir():
        with _locked(folder, progress):
            if not folder.is_dir():
                build_store(recipe, description, folder, progress)
    values = np.load(folder / "crops.npy", mmap_mode="r", allow_pickle=False)
    lost = [LostScan(**entry) for entry in _told(folder)["lost"]]
    absent = {entry.scan for entry in lost}
    is_there = np.ones(len(recipe.ids), bool)
    for scan, rows in zip(recipe.scans, recipe.rows, strict=True):
        is_there[rows] = str(scan.absolute()) not in absent
    return Crops(values=values, is_there=is_there, lost=tuple(lost))


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

    def told(self) -> str:
        """The state in one line."""
        size = f"{self.num_bytes / 1e6:,.1f} MB"
        if self.num_finished == self.num_scans:
            return f"{size} in {self.folder}"
        return f"{size}, {self.num_finished} of {self.num_scans} scans cut (archnet data prepare)"


def store_state(recipe: Recipe) -> StoreState:
    """What is stored of a recipe; nothing is cut."""
    folder = store_home() / digest(recipe.description())
    finished = len(recipe.scans) if folder.is_dir() else num_finished(folder)
    return StoreState(folder=folder, num_bytes=recipe.num_bytes, num_scans=len(recipe.scans), num_finished=finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCrops:
    """One store on disk.

    Attributes:
        folder: Of the store.
        source: Data set and folder that it was cut from.
        num_crops: Its rows.
        num_bytes: On disk.
        is_finished: Whether all scans are cut.
        is_stale: Whether a scan has changed or gone since.
    """

    folder: Path
    source: str
    num_crops: int
    num_bytes: int
    is_finished: bool
    is_stale: bool

    def told(self) -> str:
        """The store in one line."""
        state = (
            "stale: its scans have changed or gone" if self.is_stale else "ready" if self.is_finished else "unfinished"
        )
        return (
            f"{self.folder.name}  {self.num_crops:>9,} crops  {self.num_bytes / 1e6:>10,.1f} MB  {state}  {self.source}"
        )


def stores() -> list[StoredCrops]:
    """Every store, finished or not, by name."""
    root = store_home()
    found = [*root.glob("*/store.json"), *root.glob(".unfinished/*/store.json")]
    return [_stored(path.parent) for path in sorted(found)]


def prune_stores(*, everything: bool = False, dry_run: bool = False) -> list[StoredCrops]:
    """Removes stores whose scans have changed or gone; one that another process is cutting stays.

    Args:
        everything: Removes those that could still be used too.
        dry_run: Only tells what would be removed.

    Returns:
        The stores that are removed.
    """
    chosen = [store for store in stores() if everything or store.is_stale]
    return [store for store in chosen if dry_run or _removed(store.folder)]


def _removed(folder: Path) -> bool:
    """Removes a store, unless another process is cutting it."""
    final = store_home() / folder.name
    try:
        with FileLock(_lock_path(final), blocking=False):
            shutil.rmtree(folder)
            unfinished(final).with_suffix(".journal").unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def _stored(folder: Path) -> StoredCrops:
    told = _told(folder)
    return StoredCrops(
        folder=folder,
        source=told["source"],
        num_crops=told["crops"],
        num_bytes=sum(_bytes_on_disk(path) for path in folder.iterdir()),
        is_finished=folder.parent.name != unfinished(folder).parent.name,
        is_stale=any(identity(Path(scan["path"])) != scan["files"] for scan in told["scans"]),
    )


def _bytes_on_disk(path: Path) -> int:
    """What a file takes; rows that are not cut yet take nothing."""
    stat = path.stat()
    return min(stat.st_size, getattr(stat, "st_blocks", stat.st_size) * 512)


def _told(folder: Path) -> dict[str, Any]:
    path = folder / "store.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable ({error}). Remove the folder; the crops are cut again.") from error


@contextmanager
def _locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Holds the right to cut a store; waits for a process that has it."""
    path = _lock_path(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{path.parent}: crops cannot be stored here ({error.strerror}). Set $ARCHNET_STORE to a folder for them."
        ) from error
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        for _ in progress(map(lock.acquire, [None]), "Waiting for another process that cuts the same crops", 1):
            pass
    try:
        yield
    finally:
        lock.release()


def _lock_path(folder: Path) -> Path:
    return unfinished(folder).with_suffix(".lock")
