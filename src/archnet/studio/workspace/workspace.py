"""The folder of the page: access checks for the paths that the page reads and writes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final

from archnet.errors import RunError
from archnet.evaluation.run_folder import CHECKPOINT, is_finished
from archnet.files.documents.json_text import json_text, shorten_path
from archnet.files.documents.names import is_device_name
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.strict_json import MAX_BYTES
from archnet.studio.requests.api_route import RequestRefusal

SHIPPED_PREFIX: Final = "shipped:"
"""Beginning of the paths of documents that archnet ships."""

SUFFIX: Final = ".json"

_READ_FLAGS: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY", "O_NOFOLLOW"))

_STARTED_FILES: Final = ("arch.json", "data.json", "environment.json", CHECKPOINT)
"""Files of a run that has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFile:
    """A file that the page may read.

    Attributes:
        path: Its absolute path, without links.
        is_shipped: Whether it comes with archnet.
        is_of_run: Whether it is in the folder of a run.
    """

    path: Path
    is_shipped: bool = False
    is_of_run: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whether the page must not write it."""
        return self.is_shipped or self.is_of_run


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of the page.

    Attributes:
        folder: Its absolute path, without links.
    """

    folder: Path

    def document(self, text: str) -> DocumentFile:
        """Find the file of a document, which may be missing.

        Args:
            text: A path relative to the folder, or "shipped:NAME".

        Raises:
            RequestRefusal: The path leads out of the folder, is hidden, or is not that of a JSON file.
        """
        if text.startswith(SHIPPED_PREFIX):
            shipped = shipped_documents().get(text.removeprefix(SHIPPED_PREFIX))
            if shipped is None:
                raise RequestRefusal(
                    404, f"{shorten_path(text)}: archnet ships no document of this name. All names: archnet list"
                )
            return DocumentFile(path=shipped.resolve(), is_shipped=True)
        path = self.path(text)
        if path.suffix != SUFFIX:
            raise RequestRefusal(403, f"{json_text(text)}: only {SUFFIX} files can be opened.")
        return DocumentFile(path=path, is_of_run=self._is_of_run(path))

    def path(self, text: str) -> Path:
        """Resolve a path inside the folder; it may be missing.

        Raises:
            RequestRefusal: The path leads out of the folder, or is hidden.
        """
        problem = path_problem(text)
        if problem:
            raise RequestRefusal(403, f"{json_text(text)}: {problem}")
        try:
            path = (self.folder / text).resolve()
        except (OSError, RuntimeError):  # the latter for links in a circle
            raise RequestRefusal(403, f"{json_text(text)}: a link in this path is broken or circular.") from None
        if not path.is_relative_to(self.folder):
            raise RequestRefusal(403, f"{json_text(text)}: a link in this path leads out of the folder of the page.")
        hidden = [part for part in path.relative_to(self.folder).parts if part.startswith(".")]
        if hidden:
            raise RequestRefusal(403, f"{json_text(text)}: a link in this path leads to the hidden {hidden[0]}.")
        return path

    def name(self, path: Path) -> str:
        """The path that `document` resolves to a file of the folder."""
        return path.relative_to(self.folder).as_posix()

    def _is_of_run(self, path: Path) -> bool:
        parents = (parent for parent in path.parents if parent.is_relative_to(self.folder))
        return any(is_run(parent) for parent in parents)


def open_workspace(folder: Path) -> Workspace:
    """The workspace of a folder.

    Raises:
        RunError: There is no such folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder. Name the folder of your architectures and experiments.")
    return Workspace(folder.resolve())


def is_run(folder: Path) -> bool:
    """Whether a folder is a run folder, finished or not, rather than a folder of documents."""
    is_started = any((folder / name).exists() for name in _STARTED_FILES)
    return is_finished(folder) or (is_started and (folder / "experiment.json").exists())


def path_problem(text: str) -> str | None:
    r"""Explain why a text is not a path inside a folder; None if it is.

    >>> path_problem("archs/mine.json"), path_problem("../mine.json")
    (None, 'the path leads out of the folder of the page.')
    >>> path_problem(".git/config.json"), path_problem("C:\\mine.json")
    ('hidden files cannot be opened.', 'the path leads out of the folder of the page.')
    """
    if not text or "\0" in text:
        return "is not a path."
    windows = PureWindowsPath(text)
    if text.startswith("/") or windows.drive or windows.root or ".." in windows.parts:
        return "the path leads out of the folder of the page."
    if any(part.startswith(".") for part in text.split("/") if part not in ("", ".")):
        return "hidden files cannot be opened."
    if any(is_device_name(part) for part in windows.parts):
        return "this is a reserved name on Windows."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not a path."
    return None


def read_regular_file(path: Path, name: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a file of bounded size; a device, a pipe or a socket is refused without waiting for it.

    Args:
        path: Its path without links; a link that has taken its place since is refused.
        name: Its name in messages.
        max_bytes: The largest size.

    Raises:
        RequestRefusal: The file is missing, is not a regular file, is too large, or cannot be read.
    """
    try:
        handle = os.open(path, _READ_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise RequestRefusal(404, f"{name}: no such file.") from None
    except OSError as error:
        raise RequestRefusal(422, f"{name}: cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RequestRefusal(403, f"{name}: is not a regular file.")
    with os.fdopen(handle, "rb") as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise RequestRefusal(422, f"{name}: larger than {max_bytes // 1_000_000} MB, the limit. Is this a data file?")
    return content
