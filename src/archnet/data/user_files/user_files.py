"""Everything that archnet keeps outside run folders, with its size.

Crops, phantoms, fetched data, logs, shell completion, and unsaved texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from archnet.data.checks.duplicates.kept_pairs import FOLDER as PAIRS_FOLDER
from archnet.data.store_list import StoredCrops, list_stores
from archnet.data.user_files.completion_scripts import completion_scripts
from archnet.data.user_files.shared_caches import SharedCache, list_shared_caches
from archnet.fetching.catalogue import WORK_FOLDER
from archnet.fetching.fetched_parts import fetched_parts
from archnet.files.disk import bytes_on_disk
from archnet.files.user_folders import DRAFT_SUFFIX, LAST_ERROR_FILE, data_home, draft_folder, log_folder, store_home
from archnet.phantom.layouts import PHANTOM_FILE
from archnet.spec.datasets import FETCHABLE_DATASETS

_PHANTOM_NAME: Final = r"[0-9a-f]{12}|\.archnet-[0-9a-f]{8}-[0-9a-f]{12}"
"""Folders of generated phantoms, and of those that are not finished."""

Kind = Literal["phantom", "fetched", "search", "log", "completion", "draft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFile:
    """A file or folder that archnet has made outside run folders.

    Attributes:
        kind: What it belongs to.
        path: Its path; never a link.
        num_bytes: Bytes on disk, with everything in it.
        description: A few words for the user.
    """

    kind: Kind
    path: Path
    num_bytes: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFiles:
    """Everything outside run folders.

    Attributes:
        stores: The crop stores.
        files: All other files and folders of archnet.
        shared: Caches that archnet's libraries share with other programs.
    """

    stores: tuple[StoredCrops, ...]
    files: tuple[UserFile, ...]
    shared: tuple[SharedCache, ...]

    @property
    def num_items(self) -> int:
        """Number of stores, files and folders of archnet, without the shared caches."""
        return len(self.stores) + len(self.files)

    @property
    def num_bytes(self) -> int:
        """Their bytes on disk."""
        return sum(store.num_bytes for store in self.stores) + sum(file.num_bytes for file in self.files)

    def to_document(self) -> dict[str, Any]:
        """The lists and the total, JSON-ready."""
        return {
            "stores": [{**asdict(store), "folder": str(store.folder)} for store in self.stores],
            "files": [{**asdict(file), "path": str(file.path)} for file in self.files],
            "shared": [{**asdict(cache), "path": str(cache.path)} for cache in self.shared],
            "num_bytes": self.num_bytes,
        }


def list_user_files() -> UserFiles:
    """List everything that archnet keeps outside run folders, with sizes; nothing is written.

    Data that the user has placed in a folder of archnet are not listed, and links are not followed.

    Raises:
        DataError: The home folder of the user is unknown, and no variable names another.
    """
    found = (*_search_results(), *_phantoms(), *_fetched_data(), *_last_error(), *_completion(), *_drafts())
    return UserFiles(
        stores=tuple(list_stores()),
        files=tuple(
            UserFile(kind=kind, path=path, num_bytes=bytes_on_disk(path), description=text)
            for kind, path, text in found
            if path.exists() and not path.is_symlink()
        ),
        shared=list_shared_caches(),
    )


_Found = Iterator[tuple[Kind, Path, str]]


def _search_results() -> _Found:
    yield "search", store_home() / PAIRS_FOLDER, "results of searches for near-duplicates"


def _phantoms() -> _Found:
    root = phantom_root()
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    for name in names:
        if re.fullmatch(_PHANTOM_NAME, name):
            is_whole = (root / name / PHANTOM_FILE).is_file()
            yield "phantom", root / name, "generated phantom" if is_whole else "unfinished phantom"


def phantom_root() -> Path:
    """The folder of the phantoms that runs generate."""
    return data_home() / "phantom"


def _fetched_data() -> _Found:
    for name in FETCHABLE_DATASETS:
        root = data_home() / name
        if not root.is_symlink():
            yield "fetched", root / WORK_FOLDER, f"unfinished downloads of {name}"
            yield from (("fetched", path, f"fetched for {name}") for path in fetched_parts(name, root))


def _last_error() -> _Found:
    folder = log_folder()
    if folder is not None:
        yield "log", folder / LAST_ERROR_FILE, "traceback of the last error"


def _completion() -> _Found:
    yield from (("completion", script.path, f"completion for {script.shell}") for script in completion_scripts())


def _drafts() -> _Found:
    folder = draft_folder()
    for path in sorted(folder.glob(f"*{DRAFT_SUFFIX}")) if folder is not None else ():
        yield "draft", path, "unsaved text of archnet studio"
