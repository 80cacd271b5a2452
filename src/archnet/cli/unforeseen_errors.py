"""What the command line prints when a command fails for a reason that no `ArchnetError` describes."""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path
from typing import Final

from archnet.files.user_folders import log_folder

_REMEDIES: Final = {
    errno.ENOSPC: "Free some disk space.",
    errno.EDQUOT: "Free some disk space: your quota is used up.",
    errno.EFBIG: "The file exceeds the size limit for files: see ulimit -f.",
    errno.EMFILE: "Raise the limit on open files with ulimit -n.",
}
_REMEDY: Final = "Check the path, its permissions and the space on the disk."


def describe_os_error(error: OSError) -> str:
    """The file and the reason of a system error, the remedy, and what was kept.

    >>> describe_os_error(OSError(errno.ENOSPC, "HDF5 error", "runs/net/model.keras"))
    'runs/net/model.keras: No space left on device. Free some disk space.'
    """
    if isinstance(error, FileNotFoundError) and not _has_working_folder():
        return "The current folder no longer exists. Change to another folder and run the same command again."
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    reason = os.strerror(error.errno) if error.errno else str(error)
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return f"{where}{reason.rstrip('.')}. {_REMEDY}"
    return " ".join([f"{where}{reason}. {remedy}", *getattr(error, "__notes__", ())])


def describe_bug(error: Exception) -> str:
    """An unforeseen error and the path of its traceback; the traceback itself if it cannot be saved."""
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
    path = folder / "last_error.txt"
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
