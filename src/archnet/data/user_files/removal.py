"""Remove everything that archnet keeps outside run folders, unless another process uses it.

Unsaved texts are kept, because they exist nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from archnet.data.store import lock_store
from archnet.data.store_list import prune_stores
from archnet.data.user_files.completion_scripts import completion_scripts, remove_completion
from archnet.data.user_files.reading_processes import find_reading_process
from archnet.data.user_files.user_files import UserFiles, phantom_root
from archnet.errors import RunError, pluralize
from archnet.fetching.fetched_parts import FETCH_RECORD
from archnet.files.atomic import remove_at_once
from archnet.files.locks import lock_folder
from archnet.files.user_folders import DATA_VARIABLE, STORE_VARIABLE, data_home, draft_folder, log_folder, store_home
from archnet.spec.datasets import FETCHABLE_DATASETS


def remove_user_files(found: UserFiles) -> list[str]:
    """Remove crop stores, files and folders, and the folders that are empty then.

    Links are not followed; shared caches and unsaved texts are kept.

    Args:
        found: The files to remove, as `list_user_files` lists them.

    Returns:
        Sentences about what could not be removed and what the user can do; empty if all is removed.

    Raises:
        LockedError: Another process extracts crops, generates a phantom or fetches data. Nothing is removed.
        RunError: Another process reads the crops. Nothing is removed.
    """
    with _lock_all(found):
        _require_no_reader(found)
        prune_stores(everything=True)
        for file in found.files:
            if file.kind not in ("completion", "draft"):
                with suppress(FileNotFoundError):
                    remove_at_once(file.path)
        for folder in _fetched_roots():
            (folder / FETCH_RECORD).unlink(missing_ok=True)
    paths = {file.path for file in found.files if file.kind == "completion"}
    notes = [remove_completion(script) for script in completion_scripts() if script.path in paths]
    _remove_empty_folders()
    return [*(note for note in notes if note is not None), *_draft_notes(found)]


def _draft_notes(found: UserFiles) -> list[str]:
    drafts = [file.path for file in found.files if file.kind == "draft"]
    if not drafts:
        return []
    return [
        f"{drafts[0].parent}: {pluralize(len(drafts), 'unsaved text')} of archnet studio were kept. Save or discard "
        "them in archnet studio, or remove the folder."
    ]


@contextmanager
def _lock_all(found: UserFiles) -> Iterator[None]:
    """Hold the lock of each store and of each folder that a process of archnet may be writing to."""
    with ExitStack() as held:
        for folder in (phantom_root(), *_fetched_roots()):
            if folder.is_dir():
                held.enter_context(lock_folder(folder))
        for store in found.stores:
            held.enter_context(lock_store(store_home() / store.folder.name))
        yield


def _fetched_roots() -> list[Path]:
    return [data_home() / name for name in FETCHABLE_DATASETS if not (data_home() / name).is_symlink()]


def _require_no_reader(found: UserFiles) -> None:
    reader = find_reading_process([store.folder for store in found.stores])
    if reader is not None:
        raise RunError(
            f"{reader.folder}: another process reads these crops: {reader.command} (process {reader.pid}). "
            "Wait for it to end. Nothing was removed."
        )


def _remove_empty_folders() -> None:
    """Remove archnet's own folders that are empty; those that a variable names belong to the user."""
    folders = [store_home() / ".unfinished", phantom_root(), *_fetched_roots()]
    if not os.environ.get(STORE_VARIABLE):
        folders.append(store_home())
    if not os.environ.get(DATA_VARIABLE):
        folders.append(data_home())
    folders += [folder for folder in (draft_folder(),) if folder is not None]
    log = log_folder()
    if log is not None:
        folders += [log, *([log.parent] if log.parent.name == "archnet" else [])]
    for folder in folders:
        with suppress(OSError):  # it is a link, is not empty or does not exist
            folder.rmdir()
