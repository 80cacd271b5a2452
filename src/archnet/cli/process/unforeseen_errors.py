"""Messages for errors that are not described by an `ArchnetError`."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from archnet.files.system_errors import REMEDIES, remedy
from archnet.files.user_folders import LAST_ERROR_FILE, log_folder


def describe_os_error(error: OSError) -> str:
    """Describe a system error: the file, the reason, the remedy, and what was kept.

    >>> import errno
    >>> describe_os_error(OSError(errno.ENOSPC, "HDF5 error", "runs/net/model.keras"))
    'runs/net/model.keras: No space left on device. Free some disk space.'
    """
    if isinstance(error, FileNotFoundError) and not _has_working_folder():
        return "The current folder no longer exists. Change to another folder and run the same command again."
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    reason = os.strerror(error.errno) if error.errno else str(error)
    kept = getattr(error, "__notes__", ()) if error.errno in REMEDIES else ()
    return " ".join([f"{where}{reason.rstrip('.')}. {remedy(error)}", *kept])


def describe_bug(error: Exception) -> str:
    """Describe an unexpected error with the path of its traceback, or the traceback itself if it cannot be saved."""
    path = save_traceback()
    first = f"A bug in archnet: {type(error).__name__}: {error}"
    if path is None:
        return f"{first}\nThe traceback cannot be saved to a file:\n{traceback.format_exc()}".rstrip()
    return f"{first}\nThe traceback is in {path}"


def save_traceback() -> Path | None:
    """Write the traceback of the current exception into the user's log folder; null if that is not possible."""
    folder = log_folder()
    if folder is None:
        return None
    path = folder / LAST_ERROR_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    except OSError:
        return None
    return path


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True
