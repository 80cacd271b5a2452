"""Standard streams of the command line, which may be closed, full or unable to encode a character."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Final, TextIO

_DESCRIPTORS: Final = {"stdin": 0, "stdout": 1, "stderr": 2}


def open_streams() -> None:
    """Make all standard streams usable.

    A closed one is opened on the null device: otherwise the next file that is opened would get its descriptor, and
    output would be written into that file. Characters that stdout cannot encode are escaped, as some Windows consoles
    require; stderr already does so. Piped output is flushed after each line.
    """
    for name, descriptor in _DESCRIPTORS.items():
        if getattr(sys, name) is None and not _is_open(descriptor):
            _open_null_device(name, descriptor)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)


def flush_or_discard(stream: TextIO) -> None:
    """Flush a stream, or discard its buffer if that fails: Python would flush it again at exit."""
    try:
        stream.flush()
    except OSError:
        discard_output(stream)


def discard_output(stream: TextIO) -> None:
    """Redirect a stream, with its buffer, to the null device."""
    with suppress(OSError):
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, stream.fileno())
        os.close(null_device)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _open_null_device(name: str, descriptor: int) -> None:
    null_device = os.open(os.devnull, os.O_RDWR)
    if null_device != descriptor:
        os.dup2(null_device, descriptor)
        os.close(null_device)
    mode = "r" if name == "stdin" else "w"
    setattr(sys, name, open(descriptor, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115
