"""Find the processes of a running `archnet sweep` in /proc, for `check_sweep.py`, which kills them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from archnet.sweep.session_processes import session_members

COMMANDS = {
    "trial": "archnet.sweep.trial_process",
    "raylet": "/raylet/raylet",
    "gcs": "/gcs/gcs_server",
    "session": "archnet.sweep.ray_process",
}
"""Parts of the processes' command lines; a worker is the parent of a trial's process."""


def command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def parent_of(process: int) -> int | None:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def session_of(driver: int) -> int | None:
    """The leader of the session that a sweep has started for Ray; None if there is none at the moment."""
    processes = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    children = (process for process in processes if parent_of(process) == driver)
    return next((child for child in children if COMMANDS["session"] in command_line(child)), None)


def find_processes(driver: int, kind: str) -> list[int]:
    """The processes of a kind: "trial", "worker", "raylet" or "gcs"."""
    session = session_of(driver)
    members = session_members(session) if session else set()
    text = COMMANDS["trial" if kind == "worker" else kind]
    found = sorted(member for member in members if text in command_line(member))
    if kind != "worker":
        return found
    return [parent for process in found if (parent := parent_of(process)) in members]


def trial_of(process: int) -> str:
    """The name of the trial's folder in which a process works, or in which the child of a worker works."""
    children = [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if parent_of(int(folder.name)) == process]
    for candidate in (process, *children):
        if COMMANDS["trial"] in command_line(candidate):
            with suppress(OSError):
                return Path(f"/proc/{candidate}/cwd").readlink().name
    return ""


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def seconds_until_over(session: int, limit_s: float = 120) -> float:
    """Time until no process of a session is left."""
    start = time.monotonic()
    while session_members(session) and time.monotonic() - start < limit_s:
        time.sleep(0.05)
    return time.monotonic() - start
