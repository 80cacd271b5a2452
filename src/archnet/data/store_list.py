"""The crop stores on disk: listed with their state, and pruned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from archnet.data.build_store import draft_folder
from archnet.data.recipe import scan_fingerprint
from archnet.data.store import TRASH_SUFFIX, discard_folder, lock_store, read_store_json
from archnet.errors import DataError
from archnet.files.disk import bytes_on_disk
from archnet.files.locks import LockedError
from archnet.files.user_folders import store_home

State = Literal["ready", "unfinished", "changed", "gone", "damaged"]
_MEANING: Final[dict[State, str]] = {
    "ready": "ready",
    "unfinished": "unfinished",
    "changed": "stale: its scans have changed",
    "gone": "its scans are not there (a disk that is not mounted?)",
    "damaged": "damaged",
}


_STORE_FILES: Final = ("store.json", "crops.npy")
"""Files of which a finished store has at least one, even if it is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCrops:
    """A crop store on disk.

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

    @property
    def description(self) -> str:
        """The content and the state in a few words."""
        return f"{self.num_crops:,} crops, {_MEANING[self.state]}, {self.source}"

    def summary(self) -> str:
        """The store in one line."""
        size = f"{self.num_crops:>9,} crops  {self.num_bytes / 1e6:>10,.1f} MB"
        return f"{self.folder.name}  {size}  {_MEANING[self.state]}  {self.source}"


def list_stores() -> list[StoredCrops]:
    """Every store, finished or not, by name; folders of other programs with such names are left out."""
    root = store_home()
    finished = [path for path in root.glob("*") if any((path / name).exists() for name in _STORE_FILES)]
    folders = [path for path in (*finished, *root.glob(".unfinished/*")) if _is_store_name(path) and path.is_dir()]
    return [_describe_store(path) for path in sorted(folders)]


def prune_stores(*, everything: bool = False, dry_run: bool = False) -> list[StoredCrops]:
    """Remove stores that can never be used again, except those that another process is building.

    Args:
        everything: Also removes stores that can still be used.
        dry_run: Removes nothing.

    Returns:
        The removed stores; with `dry_run`, those that would be removed.
    """
    chosen = [store for store in list_stores() if everything or store.state in ("changed", "damaged")]
    removed = [store for store in chosen if _remove(store.folder, dry_run=dry_run)]
    if not dry_run:
        _remove_trash()
    return removed


def _remove_trash() -> None:
    """Finish the removals of killed processes, except for stores that are being built."""
    for trash in store_home().glob(f".unfinished/*{TRASH_SUFFIX}"):
        with suppress(LockedError), lock_store(store_home() / trash.stem):
            pass


def _remove(folder: Path, *, dry_run: bool) -> bool:
    """Remove a store, unless another process is building it or has removed it."""
    final = store_home() / folder.name
    try:
        with lock_store(final):
            if dry_run or not folder.is_dir():
                return folder.is_dir()
            draft_folder(final).with_suffix(".journal").unlink(missing_ok=True)
            discard_folder(folder)
    except LockedError:
        return False
    return True


def _is_store_name(path: Path) -> bool:
    return re.fullmatch("[0-9a-f]{16}", path.name) is not None


def _describe_store(folder: Path) -> StoredCrops:
    try:
        document = read_store_json(folder)
    except DataError:
        document = {}
    is_finished = folder.parent.name != ".unfinished"
    return StoredCrops(
        folder=folder,
        source=str(document.get("source", "unknown")),
        num_crops=int(document.get("crops", 0)),
        num_bytes=bytes_on_disk(folder),
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
