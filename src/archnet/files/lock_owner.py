"""The owner of a lock, as recorded in the lock file: process, machine, command and start time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import MarkerSoftFileLock

from archnet.machine import command_line

_MAX_BYTES: Final = 1024
"""Largest lock file that filelock reads, in bytes."""

_MAX_COMMAND: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOwner:
    """A process that holds a lock.

    Attributes:
        pid: Process ID.
        host: Name of the machine.
        since: Time at which it acquired the lock, in UTC; None if not recorded.
        command: Its command line; None if not recorded.
    """

    pid: int
    host: str
    since: datetime | None = None
    command: str | None = None

    def describe(self, now: datetime) -> str:
        """Describe the owner in a message.

        Args:
            now: Current time, in UTC.
        """
        process = f"process {self.pid} on {self.host}"
        if self.since is not None:
            process += f", since {_clock_text(self.since, now)}, {_age_text((now - self.since).total_seconds())}"
        return f"{self.command} ({process})" if self.command else process


def owner_lines() -> str:
    """Lines with the time and the command, which filelock does not record; it ignores unknown KEY=VALUE lines."""
    command = command_line().encode("ascii", "backslashreplace").decode("ascii")
    command = re.sub(r"[^\x20-\x7e]", "?", command)
    if len(command) > _MAX_COMMAND:
        command = f"{command[:_MAX_COMMAND]}..."
    return f"since={datetime.now(UTC).isoformat(timespec='seconds')}\ncommand={command}\n"


def read_owner(path: Path) -> LockOwner | None:
    """Read the owner from a lock file; None if the file is missing, empty or damaged in any way."""
    record = MarkerSoftFileLock(path).owner
    if record is None or record.mode == "unknown":
        return None
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    fields = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
    command = re.sub(r"[^\x20-\x7e]", "?", fields.get("command", ""))
    return LockOwner(
        pid=record.pid,
        host=re.sub(r"[^\x21-\x7e]", "?", record.hostname).partition("?pidns-")[0],
        since=_parse_time(fields.get("since")),
        command=command or None,
    )


def _parse_time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None


def has_ended(owner: LockOwner) -> bool:
    """Whether a process on this machine is a zombie: it has ended, but its parent has not reaped it yet (Linux)."""
    try:
        stat = Path(f"/proc/{owner.pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[:1] == [b"Z"]


def _clock_text(since: datetime, now: datetime) -> str:
    """Format the local time, with the date if it is not today."""
    local = since.astimezone()
    return f"{local:%H:%M}" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d %H:%M}"


def _age_text(seconds: float) -> str:
    """Format a time span in its largest unit.

    >>> [_age_text(seconds) for seconds in (-3, 59, 125, 7200, 200_000)]
    ['0 s', '59 s', '2 min', '2 h', '2 days']
    """
    for size, unit in ((86_400 * 2, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // min(size, 86_400):.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
