"""Strict JSON with places: every value knows its line, every problem of a document is reported at once.

The standard library's reader accepts NaN and repeated keys and forgets where a value stood, so documents are parsed
here; a test holds the result against `json.loads`.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError, did_you_mean

MAX_BYTES: Final = 4_000_000
"""An architecture is a page long; a file above this is something else."""


MAX_DEPTH: Final = 64
"""Nesting of arrays and objects; RES and REP nest a few levels at most."""


JsonPath = tuple[str | int, ...]


Problem = tuple[JsonPath, str]
"""Where something is wrong, and what."""


_SPACE = re.compile(r"[ \t\n\r]*")


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


_LITERALS: Final = {"true": True, "false": False, "null": None}


_COMMON_MISTAKES: Final = {
    "NaN": "NaN is not JSON; give a number",
    "Infinity": "Infinity is not JSON; give a number",
    "-Infinity": "-Infinity is not JSON; give a number",
    "//": 'JSON has no comments; remove it, or use a "description" key',
    "/*": 'JSON has no comments; remove it, or use a "description" key',
    "#": 'JSON has no comments; remove it, or use a "description" key',
    "'": "strings stand in double quotes",
    "True": "write true in lower case",
    "False": "write false in lower case",
    "None": "write null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON value and where each part of it stands.

    Attributes:
        value: The parsed JSON.
        source: File name for messages, or what else the value came from.
        lines: Line (from 1) of each path; empty for values that did not come from a file.
        files: Documents of files that the value names, by name, where they have been read.
    """

    value: Any
    source: str
    lines: Mapping[JsonPath, int] = field(default_factory=dict, compare=False, repr=False)
    files: Mapping[str, Document] = field(default_factory=dict, compare=False, repr=False)

    def location(self, path: JsonPath) -> str:
        """The place of a path as messages print it, such as `archs/mine.json:14 $.layers[3]`."""
        line = self.lines.get(path)
        return f"{self.source}{f':{line}' if line else ''} {path_text(path)}"

    def problem(self, path: JsonPath, message: str) -> str:
        """One line of a `DocumentError`."""
        return f"{self.location(path)}: {message}"

    def error(self, problems: Iterable[Problem]) -> DocumentError:
        """The error that tells every problem once, in the order of the file."""
        ordered = sorted(problems, key=lambda problem: self.lines.get(problem[0], 0))
        return DocumentError("\n".join(dict.fromkeys(self.problem(*problem) for problem in ordered)))


def slugify(text: str) -> str:
    """A name for folders and files from any text.

    >>> slugify("my arch (1)")
    'my-arch-1'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:80] or "unnamed"


def path_text(path: JsonPath) -> str:
    """A JSON path as text.

    >>> path_text(("layers", 3, "kernel_size"))
    '$.layers[3].kernel_size'
    """
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


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
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise DocumentError(f"{source}: {value!r} is not a JSON value. Use finite numbers, text, lists or mappings.")


def read_document(path: Path | str) -> Document:
    """The JSON document in a file.

    Raises:
        DocumentError: The file is missing, too large, not UTF-8 or not strict JSON.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, ValueError):  # a null character in the name is the latter
        raise DocumentError(f"{path}: no such file.{_similar_file_hint(path)}") from None
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise DocumentError(
            f"{path}: larger than {MAX_BYTES // 1_000_000} MB, which no architecture or experiment is. "
            "Is this a data file?"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(
            f"{path}:{line}: not UTF-8 text (byte {error.start} is 0x{content[error.start]:02x}). "
            "Save the file as UTF-8."
        ) from None
    return parse_document(text, str(path))


def _similar_file_hint(path: Path) -> str:
    """A hint at a file of a similar name in the same folder."""
    if not path.parent.is_dir():
        return f" There is no folder {path.parent} either."
    hint = did_you_mean(path.name, (other.name for other in path.parent.glob("*.json")))
    return hint.replace(' "', f' "{path.parent}/') if hint and str(path.parent) != "." else hint


def parse_document(text: str, source: str) -> Document:
    """The document in a text of strict JSON.

    Args:
        text: The whole document.
        source: File name for messages.

    Raises:
        DocumentError: The text is not strict JSON: the line, the column and what stands there.
    """
    parser = _Parser(text, source)
    value = parser.parse()
    return Document(value=value, source=source, lines=parser.lines)


class _Parser:
    """A recursive-descent reader of RFC 8259 JSON that records the line of every path."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.lines: dict[JsonPath, int] = {}
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def parse(self) -> Any:
        value, end = self.parse_value(self.skip_space(0), ())
        if self.skip_space(end) != len(self.text):
            self.refuse(self.skip_space(end), "expected the end of the document")
        return value

    def skip_space(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def line_number(self, position: int) -> int:
        return bisect_right(self.line_starts, position)

    def refuse(self, position: int, expected: str) -> None:
        rest = self.text[position:]
        mistake = next((message for start, message in _COMMON_MISTAKES.items() if rest.startswith(start)), None)
        found = json.dumps(rest[:1]) if rest else "the end of the file"
        line = self.line_number(position)
        column = position - self.line_starts[line - 1] + 1
        raise DocumentError(
            f"{self.source}:{line}:{column}: not valid JSON: {mistake or f'{expected}, found {found}'}."
        )

    def parse_value(self, position: int, path: JsonPath) -> tuple[Any, int]:
        if len(path) > MAX_DEPTH:
            raise DocumentError(
                f"{self.source}:{self.line_number(position)}: nested more than {MAX_DEPTH} levels deep. "
                'Use "REP" with "times" to repeat layers.'
            )
        self.lines.setdefault(path, self.line_number(position))
        start = self.text[position : position + 1]
        if start == "{":
            return self.parse_object(position + 1, path)
        if start == "[":
            return self.parse_array(position + 1, path)
        if start == '"':
            return self.parse_string(position)
        return self.parse_scalar(position)

    def parse_string(self, position: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, position + 1, True)
        except json.JSONDecodeError as error:
            line = self.line_number(min(error.pos, len(self.text)))
            raise DocumentError(f"{self.source}:{line}: not valid JSON: {error.msg.rstrip(' at')}.") from None
        return str(value), int(end)

    def parse_scalar(self, position: int) -> tuple[Any, int]:
        for word, value in _LITERALS.items():
            if self.text.startswith(word, position):
                return value, position + len(word)
        match = _NUMBER.match(self.text, position)
        if match is None:
            self.refuse(position, "expected a value")
            raise RuntimeError("unreachable")
        return self.parse_number(match), match.end()

    def parse_number(self, match: re.Match[str]) -> int | float:
        digits = match.group()
        is_float = match.group(1) or match.group(2)
        value = float(digits) if is_float or len(digits) > 300 else int(digits)
        if value in (float("inf"), float("-inf")):
            line = self.line_number(match.start())
            raise DocumentError(f"{self.source}:{line}: the number {digits[:20]} is beyond the range of a double.")
        return value

    def parse_array(self, position: int, path: JsonPath) -> tuple[list[Any], int]:
        items: list[Any] = []
        position = self.skip_space(position)
        if self.text.startswith("]", position):
            return items, position + 1
        while True:
            item, end = self.parse_value(self.skip_space(position), (*path, len(items)))
            items.append(item)
            position = self.skip_space(end)
            if self.text.startswith("]", position):
                return items, position + 1
            position = self.expect_comma(position, "]")

    def parse_object(self, position: int, path: JsonPath) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        position = self.skip_space(position)
        if self.text.startswith("}", position):
            return members, position + 1
        while True:
            key, position = self.parse_key(self.skip_space(position), path, members)
            members[key], end = self.parse_value(position, (*path, key))
            position = self.skip_space(end)
            if self.text.startswith("}", position):
                return members, position + 1
            position = self.expect_comma(position, "}")

    def parse_key(self, position: int, path: JsonPath, members: Mapping[str, Any]) -> tuple[str, int]:
        if not self.text.startswith('"', position):
            self.refuse(position, "expected a key in double quotes")
        key, end = self.parse_string(position)
        line = self.line_number(position)
        if key in members:
            first = self.lines[(*path, key)]
            raise DocumentError(
                f'{self.source}:{line} {path_text(path)}: the key "{key}" is given twice, first in line {first}. '
                "Remove one of the two."
            )
        self.lines[(*path, key)] = line
        colon = self.skip_space(end)
        if not self.text.startswith(":", colon):
            self.refuse(colon, f'expected ":" after the key "{key}"')
        return key, self.skip_space(colon + 1)

    def expect_comma(self, position: int, closing: str) -> int:
        if not self.text.startswith(",", position):
            self.refuse(position, f'expected "," or "{closing}"')
        after = self.skip_space(position + 1)
        if self.text.startswith(closing, after):
            self.refuse(after, f'expected another value after the comma (no comma stands before "{closing}")')
        return after
