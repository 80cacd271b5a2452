"""Strict JSON with line numbers, so that every problem of a document is reported with its location.

The parser of the standard library accepts NaN and repeated keys and does not record line numbers, so documents are
parsed here; a test compares the results with `json.loads`.
"""

from __future__ import annotations

import json
import math
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError, did_you_mean, pluralize
from archnet.files.documents.json_parser import MAX_DEPTH, parse_strict_json
from archnet.files.documents.json_text import JsonPath as JsonPath
from archnet.files.documents.json_text import path_text as path_text
from archnet.files.documents.json_text import shorten_path
from archnet.files.documents.json_tree import LineNumbers
from archnet.files.documents.names import name_problem
from archnet.files.documents.problems import Problem as Problem
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.path_argument import document_path

MAX_BYTES: Final = 4_000_000
"""Maximum size of a document. Architectures are about a page long."""


MAX_PROBLEMS: Final = 50
"""Maximum number of problems in a message; the others are counted."""

MAX_MESSAGE: Final = 8_000
"""Maximum total length of the problems in a message, in characters; the first is always listed."""


ReadText = Callable[[Path], str | None]
"""Reads the unsaved text of a file that is open in an editor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON value with the location of each part.

    Attributes:
        value: The parsed JSON.
        source: Name of the file, or another origin of the value, for messages.
        lines: Line number (from 1) of each path; empty for values that are not from a file.
        files: Documents that have been read from files named in the value, by name.
        read_text: Reads the text of a file that the value names, before the file itself is read; null for others.
    """

    value: Any
    source: str
    lines: Mapping[JsonPath, int] = field(default_factory=dict, compare=False, repr=False)
    files: Mapping[str, Document] = field(default_factory=dict, compare=False, repr=False)
    read_text: ReadText | None = field(default=None, compare=False, repr=False)

    def read(self, name: str) -> Document:
        """Read a document that this one names, if it is a regular file: pipes block; see `read_document`."""
        folder = Path(self.source).parent
        return self.files.get(name) or read_document(_regular_file(name, folder), folder, self.read_text)

    def location(self, path: JsonPath) -> str:
        """Format the location of a path for messages, such as `archs/mine.json:14 $.layers[3]`."""
        line = self.lines.get(path)
        return f"{self.source}{f':{line}' if line else ''} {path_text(path)}"

    def problem(self, path: JsonPath, message: str) -> str:
        """Format one line of a `DocumentError`."""
        return f"{self.location(path)}: {message}"

    def error(self, problems: Iterable[Problem]) -> DocumentError:
        """Create the error that lists the problems once each, in the order of the file, and counts the rest."""
        first: dict[tuple[JsonPath, str], Problem] = {}
        for problem in problems:
            first.setdefault((problem[0], problem[1]), Problem(*problem))
        ordered = sorted(first.values(), key=lambda problem: self.lines.get(problem.path, 0))
        listed = [self.problem(problem.path, problem.message) for problem in ordered[:MAX_PROBLEMS]]
        texts = limit_problems(listed, len(ordered) - len(listed))
        return DocumentError("\n".join(texts), self.source, ordered)


def limit_problems(texts: Iterable[str], num_more: int = 0) -> list[str]:
    """List problems once each up to the limits of a message, and count the rest.

    Args:
        texts: The problems, one line each.
        num_more: Number of further problems.
    """
    unique = list(dict.fromkeys(texts))
    listed = unique[:MAX_PROBLEMS]
    num_listed = sum(end <= MAX_MESSAGE for end in accumulate(map(len, listed))) or min(len(listed), 1)
    num_more += len(unique) - num_listed
    return [*listed[:num_listed], *([f"and {pluralize(num_more, 'more problem')}"] if num_more else [])]


def slugify(text: str) -> str:
    """Convert any text to a name for folders and files.

    >>> slugify("my arch (1)")
    'my-arch-1'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:80] or "unnamed"


def plain_json(value: Any, source: str, depth: int = 0) -> Any:
    """Convert a Python value to JSON types: tuples become lists, mappings objects, NumPy numbers plain numbers.

    >>> plain_json({"kernel_size": (3, 3)}, "arch")
    {'kernel_size': [3, 3]}

    Args:
        value: The value.
        source: Name of the value in messages.
        depth: Number of enclosing levels.

    Raises:
        DocumentError: The value has no JSON equivalent.
    """
    if depth > MAX_DEPTH:
        raise DocumentError(f"{source}: nested more than {MAX_DEPTH} levels deep. Does it contain itself?")
    if isinstance(value, Mapping):
        return {str(key): plain_json(entry, source, depth + 1) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(entry, source, depth + 1) for entry in value]
    if hasattr(value, "tolist"):
        return plain_json(value.tolist(), source)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise DocumentError(f"{source}: a number of {value.bit_length():,} bits is beyond the range of a double.")
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise DocumentError(f"{source}: {value!r:.60} is not a JSON value. Use finite numbers, text, lists or mappings.")


def flat_texts(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten a JSON object: values by dotted path, serialized as JSON; strings have no quotes.

    >>> flat_texts({"split": {"test": 0.2, "fold": None}, "size": [64, 64], "name": "a"})
    {'split.test': '0.2', 'split.fold': 'null', 'size': '[64, 64]', 'name': 'a'}
    """
    texts: dict[str, str] = {}
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            texts |= flat_texts(entry, f"{prefix}{key}.")
        else:
            texts[f"{prefix}{key}"] = entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
    return texts


def read_document(source: Path | str, folder: Path = Path(), read_text: ReadText | None = None) -> Document:
    """The JSON document in a file, or the shipped document of a name.

    Args:
        source: The path of the file, or the name of a document that archnet ships; see `document_path`.
        folder: The folder to which a relative path is relative.
        read_text: See `Document`.

    Raises:
        DocumentError: The file is missing, too large, not UTF-8 or not strict JSON.
    """
    path = document_path(source, folder)
    unsaved = read_text(path) if read_text else None
    text = read_document_text(source, path) if unsaved is None else unsaved
    return replace(parse_document(text, str(path)), read_text=read_text)


def _regular_file(name: str, folder: Path) -> str:
    """The name of a document, unless it is that of a pipe, a device or a socket.

    Raises:
        DocumentError: It is one of them.
    """
    path = document_path(name, folder)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # reported when it is read
        return name
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DocumentError(f"{shorten_path(str(path))}: is not a regular file. Name a JSON file.")
    return name


def read_document_text(source: Path | str, path: Path) -> str:
    """The text of the file of a document.

    Args:
        source: The document as the user names it, for messages.
        path: Its file.

    Raises:
        DocumentError: The file is missing, too large or not UTF-8.
    """
    name = shorten_path(str(path))
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, ValueError):  # a null character in the name is the latter
        raise DocumentError(f"{name}: {_missing_file_text(source, path)}") from None
    except OSError as error:
        raise DocumentError(f"{name}: cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise DocumentError(
            f"{path}: larger than {MAX_BYTES // 1_000_000} MB, the limit for architectures and experiments. "
            "Is this a data file?"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(
            f"{path}:{line}: not UTF-8 text (byte {error.start} is 0x{content[error.start]:02x}). "
            "Save the file as UTF-8."
        ) from None


def _missing_file_text(source: Path | str, path: Path) -> str:
    """A message that there is no such file, and a hint at a file or a shipped document of a similar name."""
    if path.suffix != ".json" and not name_problem(str(source)):
        hint = did_you_mean(path.name, [*shipped_documents(), *(other.name for other in path.parent.glob("*.json"))])
        return f"no such file, and archnet ships no document of this name.{hint} All names: archnet list"
    hint = f' archnet ships this document: give its name, "{path.stem}".' if path.stem in shipped_documents() else ""
    return f"no such file.{hint or _similar_file_hint(path)}"


def _similar_file_hint(path: Path) -> str:
    """Suggest a file with a similar name in the same folder."""
    if not path.parent.is_dir():
        return f" The folder {path.parent} does not exist either."
    hint = did_you_mean(path.name, (other.name for other in path.parent.glob("*.json")))
    return hint.replace(' "', f' "{path.parent}/') if hint and str(path.parent) != "." else hint


def parse_document(text: str, source: str) -> Document:
    """Parse a document from strict JSON.

    Args:
        text: The whole document.
        source: File name for messages.

    Raises:
        DocumentError: The text is not strict JSON; the message gives the line, the column and the text there.
    """
    root = parse_strict_json(text, source)
    return Document(value=root.value, source=source, lines=LineNumbers(root, text))
