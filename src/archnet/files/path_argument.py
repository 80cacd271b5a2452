"""Validation of paths given by Python callers."""

from __future__ import annotations

from os import PathLike, fspath
from os.path import exists, isfile, normpath
from pathlib import Path

from archnet.errors import DataError
from archnet.files.documents.shipped_documents import shipped_documents


def path_argument(value: object, name: str) -> Path:
    """Convert an argument to a path.

    Args:
        value: The argument.
        name: Its name, for messages.

    Raises:
        DataError: The argument is not a path, or no file can have this name.
    """
    text = fspath(value) if isinstance(value, str | PathLike) else value
    if not isinstance(text, str):
        raise DataError(f"{name}={value!r}: expected a path, as text or a pathlib.Path.")
    if "\0" in text:
        raise DataError(f"{name}={text!r}: a file name cannot contain a null character. Use a different name.")
    try:
        Path(text).exists()
    except OSError as error:
        raise DataError(f"{name}={text!r}: cannot be read: {error.strerror}. Use a different path.") from error
    return Path(text)


def absolute_path(text: str, folder: Path) -> str:
    """Resolve a path of a document to an absolute path.

    Args:
        text: The path; a relative path is resolved against `folder`, or against the working directory if it exists only
            there.
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
    """Shorten a path for messages: relative if it is in the working directory."""
    path, here = Path(text), Path.cwd() if Path(text).is_absolute() else Path()
    return path.relative_to(here) if path.is_relative_to(here) else path


def option_file(text: str, key: str) -> Path:
    """Return the file named by an option of an experiment.

    Args:
        text: The path.
        key: Name of the option, for messages.

    Raises:
        DataError: The file does not exist.
    """
    path = short_path(text)
    if not isfile(path):  # noqa: PTH113 - Path.is_file refuses long names
        problem = "this is not a file" if exists(path) else "there is no such file"  # noqa: PTH110
        raise DataError(f"{key}: {path}: {problem}. Correct the path, or omit {key}.")
    return path


def output_folder(value: PathLike[str] | str, name: str = "out") -> Path:
    """Return the path of an output folder, which may already exist.

    Raises:
        DataError: The argument is not a path, or is the path of a file.
    """
    path = path_argument(value, name)
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise DataError(f"{name}={str(path)!r}: {place} is a file, not a folder. Use a different folder.")
    return path


def output_file(value: PathLike[str] | str, name: str = "out") -> Path:
    """Return the path of an output file, which may already exist.

    Raises:
        DataError: The argument is not a path, or is the path of a folder.
    """
    path = path_argument(value, name)
    if path.is_dir():
        raise DataError(f"{name}={str(path)!r}: is a folder. Name a file in it.")
    output_folder(path.parent, name)
    return path
