"""Atomic writing: a reader sees a whole file, the old one or the new one, whenever the writer is interrupted."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_LINE_LENGTH: Final = 120


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends, and vanishes when the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    """The process's file mode mask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> Path:
    """Write a UTF-8 file by atomic rename."""
    with atomic_write(path) as draft:
        draft.write_bytes(text.encode("utf-8"))
    return path


def write_json(path: Path, value: object) -> Path:
    """Write a JSON file by atomic rename; NaN and infinity are refused, an undefined number is null."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def compact_json(value: Any, indent: int = 0) -> str:
    """JSON as people write it: what fits into a line of 120 characters stands in one.

    >>> print(compact_json({"layers": [{"type": "P", "kernel_size": [2, 2]}] * 3}))
    {
      "layers": [
        {"type": "P", "kernel_size": [2, 2]},
        {"type": "P", "kernel_size": [2, 2]},
        {"type": "P", "kernel_size": [2, 2]}
      ]
    }
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or indent + len(line) < _LINE_LENGTH:
        return line
    inner = indent + 2
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {compact_json(entry, inner)}" for key, entry in value.items()]
    else:
        parts = [compact_json(entry, inner) for entry in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(" " * inner + part for part in parts)
    return f"{opening}\n{lines}\n{' ' * indent}{closing}"
