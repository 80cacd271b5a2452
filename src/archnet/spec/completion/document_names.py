"""The documents that a document may name: those next to it, and those that archnet ships."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from os import path as paths
from pathlib import Path
from typing import Any, Final

from archnet.errors import ArchnetError
from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.path_argument import document_path
from archnet.spec.resolve import is_arch

_MAX_FILES: Final = 200
"""Maximum number of files of one folder."""

_MAX_BYTES: Final = 200_000
"""Files that are larger are not read, because the answer is needed while a user types."""


_MAX_START: Final = 2_000
"""Bytes of each file that decide on its kind."""

_KIND_KEY: Final = re.compile(r'"(archs?|base|space|layers|properties)"\s*:|\A\ufeff?\s*(\[)')
"""The first of these keys decides on the kind of a document; a bare array is an architecture."""

_ARCH_WORDS: Final = ("layers", "[")
_EXPERIMENT_WORDS: Final = ("arch", "archs")


def document_names(source: str, *, archs: bool) -> Iterator[tuple[str, str]]:
    """Yield the names that a document may give for another, with short explanations: files first.

    Args:
        source: Path of the document.
        archs: Whether architectures are named, or else experiments.
    """
    folder = Path(source).parent
    for place in (folder, folder / "archs", folder.parent / "archs") if archs else (folder,):
        for file in sorted(_json_files(place))[:_MAX_FILES]:
            if (file.name != Path(source).name or place != folder) and _may_be(file, archs=archs):
                name = Path(paths.relpath(file, folder)).as_posix()
                yield name, "a file next to this one" if place == folder else f"a file in {place.name}"
    for name, path in shipped_documents().items():
        if (path.parent.name != "experiments") == archs:
            yield name, f"shipped with archnet ({path.parent.name})"


def _json_files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == ".json"]
    except OSError:
        return []


def _may_be(file: Path, *, archs: bool) -> bool:
    """Whether a file may be an architecture, or else an experiment, by the first keys of its text."""
    try:
        if not file.is_file():
            return False
        with file.open("rb") as stream:
            start = stream.read(_MAX_START).decode("utf-8", errors="replace")
    except OSError:
        return False
    found = _KIND_KEY.search(start)
    if found is None:
        return True
    return (found[1] or found[2]) in (_ARCH_WORDS if archs else _EXPERIMENT_WORDS)


def read_named_value(name: Any, folder: Path, read_text: Callable[[Path], str | None]) -> tuple[Any, Path] | None:
    """The readable part of a document that another document names, and its folder.

    Args:
        name: The path or the name of a shipped document.
        folder: The folder of the document that names it.
        read_text: Reads the text of a file that is open in an editor.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        return None
    try:
        path = document_path(name, folder)
        text = read_text(path)
        if text is None:
            if not path.is_file() or path.stat().st_size > _MAX_BYTES:
                return None
            text = path.read_text("utf-8-sig")
    except (OSError, ValueError, ArchnetError):
        return None
    return parse_tolerantly(text)[0].value, path.parent


def swept_arch(value: Any, folder: Path, read_text: Callable[[Path], str | None]) -> Any:
    """The first architecture of a sweep, whose hyperparameters it varies; null if it cannot be read.

    Args:
        value: The sweep, which may be incomplete.
        folder: Its folder.
        read_text: Reads the text of a file that is open in an editor.
    """
    if not isinstance(value, dict):
        return None
    space = value.get("space")
    choices = space.get("arch") if isinstance(space, dict) else None
    if isinstance(choices, list) and choices:
        return _arch_value(choices[0], folder, read_text)
    base = base_experiment(value, folder, read_text)
    if base is None or not isinstance(base[0], dict):
        return None
    archs = base[0].get("archs", [base[0].get("arch")])
    return _arch_value(archs[0], base[1], read_text) if isinstance(archs, list) and archs else None


def base_experiment(
    value: dict[str, Any], folder: Path, read_text: Callable[[Path], str | None]
) -> tuple[Any, Path] | None:
    """The base experiment of a sweep and its folder."""
    base = value.get("base")
    return (base, folder) if isinstance(base, dict) else read_named_value(base, folder, read_text)


def _arch_value(entry: Any, folder: Path, read_text: Callable[[Path], str | None]) -> Any:
    if is_arch(entry):
        return entry
    found = read_named_value(entry, folder, read_text)
    return found[0] if found and is_arch(found[0]) else None
