"""Atomic writing: a reader always sees a complete file or folder, old or new, even if the writer is interrupted.

The new content is flushed to the disk before it replaces the old one, so a power failure leaves no empty file either.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from archnet.errors import DocumentError

_SUBFOLDERS: Final = ("figures", "froc", "checkpoint", "tensorboard", "together")
"""Names of the folders in which archnet writes the files of a run or an experiment."""

_DRAFT_NAME: Final = r"\.archnet-[0-9a-f]{8}-.+|\..+(\.[^.]+)-[0-9a-f]{8}\1"

_MAX_NAME_BYTES: Final = 230
"""Bytes of a name that a draft's name repeats; a whole name has up to 255."""

_announce: Final[ContextVar[Callable[[Path, Path], None] | None]] = ContextVar("announce", default=None)


@contextmanager
def announce_writes(announce: Callable[[Path, Path], None]) -> Iterator[None]:
    """Call a function before `atomic_write` replaces a file in the block, with the path and the complete draft."""
    token = _announce.set(announce)
    try:
        yield
    finally:
        _announce.reset(token)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file that replaces `path` when the block ends and is removed if the block fails.

    Raises:
        DocumentError: The path is a device, a pipe or a socket, which must not be replaced.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DocumentError(f"{path}: is a device or a pipe, which must not be replaced. Name a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft_path(path)
    draft.touch(exist_ok=False)  # permissions by the umask
    try:
        yield draft
        sync_file(draft)
        if announce := _announce.get():
            announce(path, draft)
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _name_output(error, draft, path)
        raise
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a draft that becomes `folder`, which must be missing or empty; it is removed if the block fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft_path(folder)
    draft.mkdir()
    try:
        yield draft
        _sync_tree(draft)
        if sys.platform == "win32" and folder.is_dir():
            folder.rmdir()  # Windows cannot replace a folder by a rename, even an empty one
        draft.rename(folder)
        _sync_folder(folder.parent)
    except OSError as error:
        _name_output(error, draft, folder)
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_at_once(path: Path) -> None:
    """Remove a file or folder; an interruption leaves no part of it under its name. Of a link, only the link goes."""
    trash = _draft_path(path)
    path.rename(trash)
    if trash.is_dir() and not trash.is_symlink():
        shutil.rmtree(trash)
    else:
        trash.unlink()


def _name_output(error: OSError, draft: Path, path: Path) -> None:
    """Set the output as the file of a write error, which would otherwise name the draft or no file."""
    name = error.filename
    if name is None:
        error.filename = str(path)
    elif isinstance(name, str) and Path(name).is_relative_to(draft):
        error.filename = str(path / Path(name).relative_to(draft))


def remove_leftovers(folder: Path) -> None:
    """Remove the drafts that killed writers left in a folder; no other process may be writing into it.

    Run folders inside the folder have their own writers, and other folders are not archnet's; both are skipped.
    """
    _remove_drafts(folder)
    for name in _SUBFOLDERS:
        if not is_run_folder(folder / name):  # an architecture may have this name
            for parent, _, _ in os.walk(folder / name):
                _remove_drafts(Path(parent))


def _remove_drafts(folder: Path) -> None:
    with suppress(OSError):  # the folder does not exist, or a draft cannot be removed
        for path in [path for path in folder.iterdir() if _is_draft(path.name)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_draft(name: str) -> bool:
    """Whether a name is that of a draft of this version or an earlier one.

    >>> [_is_draft(name) for name in (".archnet-0a1b2c3d-figures", ".gallery.npz-0a1b2c3d.npz", ".archnet-lock")]
    [True, True, False]
    """
    return re.fullmatch(_DRAFT_NAME, name, re.DOTALL) is not None


def is_run_folder(folder: Path) -> bool:
    """Whether a folder is that of a run or an experiment, finished or not."""
    return (folder / "experiment.json").exists()


def write_text(path: Path, text: str, errors: str = "strict") -> Path:
    """Write a UTF-8 file atomically.

    Args:
        errors: "surrogateescape" preserves the bytes of file names that are not UTF-8.
    """
    with atomic_write(path) as draft:
        draft.write_bytes(text.encode("utf-8", errors))
    return path


def write_json(path: Path, value: object) -> Path:
    """Write a JSON file atomically. NaN and infinity are rejected; an undefined number is null."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sync_file(path: Path) -> None:
    """Flush the content of a file to the disk."""
    with path.open("r+b") as stream:
        sync_handle(stream.fileno())


def sync_handle(handle: int) -> None:
    """Flush an open file to the disk, on macOS including the cache of the drive; see fsync(2)."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # some file systems do not support it; fsync is the fallback
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            return
    os.fsync(handle)


def _draft_path(path: Path) -> Path:
    """Return a new hidden path next to a path, with the same suffix, by which writers choose the format."""
    end = os.fsencode(path.name)[-_MAX_NAME_BYTES:].decode(errors="ignore")
    return path.with_name(f".archnet-{secrets.token_hex(4)}-{end}")


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(parent, name))
        _sync_folder(Path(parent))


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system supports it: Windows cannot open folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            sync_handle(handle)
        finally:
            os.close(handle)


def check_output_path(out: Path | None, inputs: Sequence[Path]) -> None:
    """Refuse an output path that is also an input.

    Raises:
        DocumentError: The output path is an input.
    """
    if out is not None and out.resolve() in [path.resolve() for path in inputs]:
        raise DocumentError(f"--out {out}: is also an input and would be overwritten. Choose a different name.")
