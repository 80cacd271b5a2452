"""The process of a run, and whether this user may stop it on this machine."""

from __future__ import annotations

import os
import signal
import socket
from itertools import pairwise
from pathlib import Path
from typing import Final

from archnet.files.lock_owner import LockOwner, read_owner
from archnet.files.locks import LOCK_FILE

_PROCESSES: Final = Path("/proc")
_COMMANDS: Final = (b"run", b"sweep", b"versus")


def run_owner(folder: Path) -> LockOwner | None:
    """The process that writes to the folder of a run, or prepares its data and holds that of its experiment."""
    return read_owner(folder / LOCK_FILE) or read_owner(folder.parent / LOCK_FILE)


def is_stoppable(owner: LockOwner) -> bool:
    """Whether the owner of a lock is a live archnet command of this user on this machine.

    The process ID may have been reused by a different program, so its command line is compared as well. On systems
    without /proc, only processes that the server has started can be stopped.
    """
    if owner.host != socket.gethostname() or owner.pid in (os.getpid(), 0, 1):
        return False
    process = _PROCESSES / str(owner.pid)
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        is_own = process.stat().st_uid == os.getuid() if hasattr(os, "getuid") else False
    except OSError:
        return False
    return is_own and _is_archnet(words)


def _is_archnet(words: list[bytes]) -> bool:
    """Whether a command line is that of a command that trains.

    >>> _is_archnet([b"/usr/bin/python", b"-m", b"archnet", b"run", b"net.json"]), _is_archnet([b"vim", b"archnet"])
    (True, False)
    """
    return any(word.rpartition(b"/")[2] == b"archnet" and command in _COMMANDS for word, command in pairwise(words))


def stop_process(pid: int) -> None:
    """Interrupt an archnet command, which saves its state for resuming and exits.

    SIGTERM has the effect of Ctrl-C, but is not ignored by processes in the background of a script.
    """
    os.kill(pid, signal.SIGTERM)
