"""Paths as Python callers give them, checked before they are used."""

from __future__ import annotations

from os import PathLike, fspath
from os.path import exists, isfile, normpath
from pathlib import Path

from archnet.errors import DataError
from archnet.files.documents.shipped_documents import shipped_documents


def path_argument(value: object, name: str) -> Path:
    """The path that a caller gives.

    Args:
        value: The argument.
        name: Its name, for messages.

    Raises:
        DataError: It is no path, or the system can have no file of that name.
    """
    text = fspath(value) if isinstance(value, str | PathLike) else value
    if not isinstance(text, str):
        raise DataError(f"{name}={value!r}: expected a path, as text or a pathlib.Path.")
    if "\0" in text:
        raise DataError(f"{name}={text!r}: no file has a null character in its name. Name another.")
    try:
        Path(text).exists()
    except OSError as error:
        raise DataError(f"{name}={text!r}: cannot be read: {error.strerror}. Name another.") from error
    return Path(text)


def absolute_path(text: str, folder: Path) -> str:
    """The absolute path that a document names.

    Args:
        text: The path; a relative one starts at `folder`, or at the working directory if only that has it.
        folder: The folder of the document.
    """
    if Path(text).is_absolute():
        return text
    here, there = (normpath(start.resolve() / text) for start in (Path(), folder))
    return here if exists(here) and not exists(there) else there  # noqa: PTH110 - Path.exists refuses long names


def document_path(source: PathLike[str] | str, folder: Path = Path()) -> Path:
    """The file of a JSON document that is given by its path, or by the name of a document that archnet ships.

    An existing file takes precedence over a name.

    Args:
        source: The path or the name.
        folder: The folder to which a relative path is relative.
    """
    shipped = shipped_documents().get(fspath(source))
    path = folder / source
    return path if shipped is None or path.is_file() else short_path(str(shipped))


def short_path(text: str) -> Path:
    """A path as messages show it: relative if the working directory contains it."""
    path, here = Path(text), Path.cwd() if Path(text).is_absolute() else Path()
    return path.relative_to(here) if path.is_relative_to(here) else path


def option_file(text: str, key: str) -> Path:
    """The file that an option of an experiment names.

    Args:
        text: The path.
        key: The option, for messages.

    Raises:
        DataError: There is no such file.
    """
    path = short_path(text)
    if not isfile(path):  # noqa: PTH113 - Path.is_file refuses long names
        problem = "this is not a file" if exists(path) else "there is no such file"  # noqa: PTH110
        raise DataError(f"{key}: {path}: {problem}. Correct the path, or leave {key} out.")
    return path


def output_folder(value: PathLike[str] | str, name: str = "out") -> Path:
    """The path of a folder to write, which may be there already.

    Raises:
        DataError: It is no path, or a file is in its place.
    """
    path = path_argument(value, name)
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise DataError(f"{name}={str(path)!r}: {place} is a file, not a folder. Name another folder.")
    return path


def output_file(value: PathLike[str] | str, name: str = "out") -> Path:
    """The path of a file to write, which may be there already.

    Raises:
        DataError: It is no path, or names a folder.
    """
    path = path_argument(value, name)
    if path.is_dir():
        raise DataError(f"{name}={str(path)!r}: is a folder. Name a file in it.")
    output_folder(path.parent, name)
    return path
