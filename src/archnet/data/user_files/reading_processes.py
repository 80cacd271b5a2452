"""Processes that read crops: they map the files of a store into memory and hold no lock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROCESSES: Final = Path("/proc")
"""Linux lists the processes and the files that they map here; other systems are not searched."""

_MAX_COMMAND: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingProcess:
    """Another process of this machine that maps a file of a folder.

    Attributes:
        pid: Process ID.
        command: Its command line, shortened.
        folder: The folder.
    """

    pid: int
    command: str
    folder: Path


def find_reading_process(folders: Sequence[Path]) -> ReadingProcess | None:
    """The first other process that maps a file below one of the folders; None if there is none, or none can be seen."""
    names = [(os.fsencode(f" {folder.resolve()}{os.sep}"), folder) for folder in folders]
    for maps in sorted(_PROCESSES.glob("[0-9]*/maps")):
        pid = int(maps.parent.name)
        content = b"" if pid == os.getpid() else _read(maps)
        for name, folder in names:
            if name in content:
                return ReadingProcess(pid=pid, command=_command(maps.with_name("cmdline")), folder=folder)
    return None


def _command(path: Path) -> str:
    words = _read(path).rstrip(b"\0").split(b"\0")
    return os.fsdecode(b" ".join(words))[:_MAX_COMMAND]


def _read(path: Path) -> bytes:
    """The content of a file of /proc; empty if the process has ended or belongs to another user."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
