"""Locks between processes: each folder has one writer at a time.

A lock is a file that names its owner: filelock's soft lock, which also works on network file systems. The lock of a
process that has ended is taken over on the same machine. Whether a process on another machine is still running cannot
be checked, so such a lock is broken only if `break_foreign_locks` allows it. Readers need no lock.
"""

from __future__ import annotations

import math
import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import MarkerSoftFileLock, SoftFileLockLifetimeWarning, Timeout

from archnet.errors import RunError
from archnet.files.atomic import is_run_folder, remove_leftovers
from archnet.files.lock_owner import LockOwner, has_ended, owner_lines, read_owner
from archnet.files.system_errors import remedy

LOCK_FILE: Final = ".archnet-lock"

RUN_LOCK_SECONDS: Final = 120
"""Time to wait for the lock of a run folder, which `archnet report` or an orphan of a killed sweep may hold."""

_ATTEMPT_SECONDS: Final = 0.2
_MIN_AGE_SECONDS: Final = 2
"""Minimum age of a lock that may be broken, so that one process does not break the new lock of another."""

_MAX_ATTEMPTS: Final = 10

_held: set[tuple[int, int, Path]] = set()
"""The locks that this process holds: process, thread and file."""

_foreign_patience_s: ContextVar[float] = ContextVar("foreign_patience_s", default=math.inf)


WAIT: Final = "Wait for it to end."


class LockedError(RunError):
    """Another process holds the lock.

    Attributes:
        holder: The process that holds the lock, if known.
    """

    holder: str = ""


@contextmanager
def break_foreign_locks(*, is_wanted: bool = True, after_s: float = 0) -> Iterator[None]:
    """Break the locks of processes on other machines while the block runs.

    Args:
        is_wanted: Whether to break any locks.
        after_s: How long to wait for such a process first.
    """
    token = _foreign_patience_s.set(after_s if is_wanted else _foreign_patience_s.get())
    try:
        yield
    finally:
        _foreign_patience_s.reset(token)


@contextmanager
def lock_folder(folder: Path, *, timeout_s: float = 0, advice: str = WAIT) -> Iterator[None]:
    """Hold an exclusive lock on a folder while the block runs; nested blocks share it.

    The folder is created if it is missing, and removed at the end if it is empty. Partial files of
    killed processes are removed.

    Args:
        folder: The folder; its subfolders have their own locks.
        timeout_s: How long to wait for another writer.
        advice: What the user can do if another process holds the lock.

    Raises:
        LockedError: Another process holds the lock.
        RunError: The folder cannot be written.
    """
    missing = [path for path in (folder.absolute(), *folder.absolute().parents) if not path.exists()]
    lock = _enter_folder(folder, timeout_s, advice)
    try:
        if lock is not None:
            remove_leftovers(folder)
        yield
    finally:
        if lock is not None:
            _release(lock)
        for path in missing:
            with suppress(OSError):  # it is not empty
                path.rmdir()


def _enter_folder(folder: Path, timeout_s: float, advice: str) -> MarkerSoftFileLock | None:
    """Create a folder and lock it; another process may remove the empty folder in between."""
    for _ in range(_MAX_ATTEMPTS):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return _acquire(folder.absolute() / LOCK_FILE, timeout_s, str(folder), advice)
        except FileNotFoundError:
            continue
        except IsADirectoryError:
            raise RunError(
                f"{folder / LOCK_FILE}: this folder has the name of archnet's lock file. Remove it."
            ) from None
        except OSError as error:
            raise RunError(f"{folder}: cannot be written: {error.strerror or error}. {remedy(error)}") from error
    raise RunError(f"{folder}: another process keeps removing this folder. Choose another folder.")


@contextmanager
def lock_output(path: Path) -> Iterator[None]:
    """Lock the run folder, if any, that contains a new file or folder, while the block runs.

    Raises:
        LockedError: Another process holds the lock.
    """
    with ExitStack() as held:
        if is_run_folder(path.parent):
            held.enter_context(lock_folder(path.parent, timeout_s=RUN_LOCK_SECONDS))
        yield


@contextmanager
def hold_lock(path: Path, *, timeout_s: float = 0) -> Iterator[None]:
    """Hold a lock while the block runs; nested blocks of one thread share it.

    Args:
        path: The lock file; its folder must exist.
        timeout_s: How long to wait for a process that holds it.

    Raises:
        LockedError: Another process still holds it.
    """
    lock = _acquire(path.absolute(), timeout_s, str(path), WAIT)
    try:
        yield
    finally:
        if lock is not None:
            _release(lock)


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock."""
    try:
        with hold_lock(path):
            return False
    except LockedError:
        return True
    except OSError:  # there is no lock, and none can be created, as on a disk that is mounted read-only
        return False


def _acquire(path: Path, timeout_s: float, subject: str, advice: str) -> MarkerSoftFileLock | None:
    """Acquire a lock and record its owner in its file; None if this thread already holds it."""
    key = _key(path)
    if key in _held:
        return None
    lock = _wait_for_lock(path, timeout_s, subject, advice)
    _held.add(key)
    try:
        with suppress(PermissionError), path.open("a", encoding="ascii") as file:  # Windows may allow only one writer
            file.write(owner_lines())
    except BaseException:
        _release(lock)
        raise
    return lock


def _release(lock: MarkerSoftFileLock) -> None:
    _held.discard(_key(Path(lock.lock_file)))
    lock.release()


def _key(path: Path) -> tuple[int, int, Path]:
    return os.getpid(), threading.get_ident(), path.resolve()


def _wait_for_lock(path: Path, timeout_s: float, subject: str, advice: str) -> MarkerSoftFileLock:
    start = time.monotonic()
    while True:
        lock, is_foreign = MarkerSoftFileLock(path), False  # filelock takes over a damaged lock that is older than 2 s
        try:
            lock.acquire(timeout=_ATTEMPT_SECONDS)
            return lock
        except Timeout as error:
            # filelock adds the owner to its message if it cannot check whether the owner still runs.
            is_foreign = str(error) != str(Timeout(error.lock_file))
        except PermissionError:  # the lock may belong to another user
            if not os.path.lexists(path):
                raise
            time.sleep(_ATTEMPT_SECONDS)
        owner, waited_s = read_owner(path), time.monotonic() - start
        if owner is None and not os.path.lexists(path):
            continue
        may_break = waited_s >= _foreign_patience_s.get() if is_foreign or owner is None else has_ended(owner)
        if may_break and (broken := _break_lock(path)):
            return broken
        if not may_break and waited_s >= timeout_s:
            raise _locked_error(subject, owner, advice, is_foreign=is_foreign)


def _break_lock(path: Path) -> MarkerSoftFileLock | None:
    """Replace a lock file by one of this process atomically, unless a newer one has replaced it."""
    try:
        age_s = time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return None
    if age_s < _MIN_AGE_SECONDS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SoftFileLockLifetimeWarning)  # the owner may still be running
        lock = MarkerSoftFileLock(path, lifetime=age_s)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def _locked_error(subject: str, owner: LockOwner | None, advice: str, *, is_foreign: bool) -> LockedError:
    if owner is None:
        holder = "an unknown process"
        text = f"{subject}: this folder is locked, but its lock does not name a process. {advice}"
        remedy = "If no archnet process is writing to it, add --break-lock."
    elif is_foreign:
        holder = owner.describe(datetime.now(UTC))
        text = f"{subject}: an archnet process on another machine is writing to this folder: {holder}. {advice}"
        remedy = "If it has ended, which cannot be checked from here, add --break-lock."
    else:
        holder = owner.describe(datetime.now(UTC))
        text = f"{subject}: another archnet process is writing to this folder: {holder}. {advice}"
        remedy = ""
    error = LockedError(f"{text} {remedy}".rstrip())
    error.holder = f"{holder}; if it has ended, use --break-lock" if remedy else holder
    return error
