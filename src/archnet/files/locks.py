"""Locks between processes: an empty file that one of them holds; the system frees it when its process ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class LockedError(Exception):
    """Another process holds the lock."""


@contextmanager
def hold_lock(path: Path, timeout_s: float = 0) -> Iterator[None]:
    """Holds a lock while the block runs.

    Args:
        path: The lock's file, made where it is missing; its folder must be there.
        timeout_s: How long to wait for a process that holds it; negative waits for as long as it takes.

    Raises:
        LockedError: Another process still holds it.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        raise LockedError(f"{path}: held by another process") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock; one that may not be touched counts as free."""
    try:
        with hold_lock(path):
            return False
    except LockedError:
        return True
    except PermissionError:  # who may not write here does not work here
        return False


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Holds a lock on a folder itself, which leaves no file in it; where a system has no such locks it holds nothing.

    Raises:
        LockedError: Another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock_handle(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock_handle(handle: int, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockedError(f"{folder}: held by another process") from None
    except OSError:
        return  # a file system without locks
