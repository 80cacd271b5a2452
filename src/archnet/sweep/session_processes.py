"""End a session: a process started with `start_new_session`, and all that it and its descendants have started."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_MAX_PASSES: Final = 10
"""Times to look for processes that were started while the others were killed."""

_PROCESSES: Final = Path("/proc")
"""Linux lists its processes here."""


def end_with_input() -> None:
    """Wait until standard input is closed, as by the end of the process that holds it, and kill the session."""
    sys.stdin.read()
    if hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        kill_session(os.getpid())
    os._exit(1)


def kill_session(leader: int) -> None:
    """Kill the processes of a session, the calling process last if it belongs to it.

    Without /proc, as on macOS, only the process group of the leader is killed: Ray's workers, which have groups of
    their own, exit when they lose their raylet.

    Args:
        leader: The process that started the session; it may have ended a moment ago. As long as a process of its
            session is alive, Linux gives its number to no other process.
    """
    if not _PROCESSES.is_dir():
        _kill_group(leader)
        return
    for _ in range(_MAX_PASSES):
        members = session_members(leader) - {os.getpid()}
        if not members:
            break
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
    if os.getsid(0) == leader:
        os.kill(os.getpid(), signal.SIGKILL)


def _kill_group(leader: int) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def session_members(leader: int) -> set[int]:
    """The processes of a session that have not ended."""
    return {int(stat.parent.name) for stat in _PROCESSES.glob("[0-9]*/stat") if _is_member(stat, leader)}


def _is_member(stat: Path, leader: int) -> bool:
    """Whether a /proc/PID/stat belongs to a session: state, parent, group and session follow the name in brackets."""
    try:
        state, _, _, session, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return False
    return int(session) == leader and state not in ("Z", "X")
