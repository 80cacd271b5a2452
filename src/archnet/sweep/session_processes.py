"""End a session: a process started with `start_new_session`, and all its descendants."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

_MAX_PASSES: Final = 10
"""Number of rounds that look for processes started while the others were killed."""

_PROCESSES: Final = Path("/proc")
"""Folder in which Linux lists its processes."""

_ENDED: Final = ("Z", "X")
"""States of processes that have ended."""


def end_with_input() -> None:
    """Wait until standard input closes, as when the parent process ends, then kill the session."""
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


def ended_children(names: Collection[str]) -> list[str]:
    """The names of the child processes of this process that have ended, among some names."""
    stats = map(_read_stat, _PROCESSES.glob("[0-9]*/stat"))
    return [name for name, state, parent, _ in stats if parent == os.getpid() and state in _ENDED and name in names]


def _is_member(stat: Path, leader: int) -> bool:
    _, state, _, session = _read_stat(stat)
    return session == leader and state not in _ENDED


def _read_stat(stat: Path) -> tuple[str, str, int, int]:
    """Name, state, parent and session of a process, from its /proc/PID/stat: the name is in brackets."""
    try:
        before, _, after = stat.read_text(errors="replace").rpartition(")")
    except OSError:  # it has ended
        return "", "X", 0, 0
    state, parent, _, session, *_ = after.split()
    return before.partition("(")[2], state, int(parent), int(session)
