"""A recursive-descent reader of strict JSON that records the line of every value."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.documents.json_text import JsonPath, json_text, path_text, surrogate_problem

MAX_DEPTH: Final = 64
"""Maximum nesting of arrays and objects. Real architectures nest a few levels."""

MAX_VALUES: Final = 75_000
"""Maximum number of values in a document. The largest architecture, with 3,000 layers, has 60,000."""

TOO_LONG_HINT: Final = 'Is this a data file? Use "REP" with "times" to repeat layers.'
"""Remedy for documents that are longer than any architecture, experiment or sweep."""

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
    "'": "write strings in double quotes",
    "True": "write true in lower case",
    "False": "write false in lower case",
    "None": "write null",
}


def parse_strict_json(text: str, source: str) -> tuple[Any, dict[JsonPath, int]]:
    """Parse strict JSON into its value and the line number of every path.

    Args:
        text: The whole document.
        source: File name for messages.

    Raises:
        DocumentError: The text is not strict JSON, or has too many values.
    """
    parser = _Parser(text, source)
    return parser.parse(), parser.lines


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

    def problem(self, position: int, message: str) -> DocumentError:
        return DocumentError(f"{self.source}:{self.line_number(position)}{message}")

    def parse_value(self, position: int, path: JsonPath) -> tuple[Any, int]:
        if len(path) > MAX_DEPTH:
            raise self.problem(position, f": nested more than {MAX_DEPTH} levels deep. Remove levels of nesting.")
        if len(self.lines) >= MAX_VALUES:
            raise self.problem(position, f": more than {MAX_VALUES:,} values. {TOO_LONG_HINT}")
        self.lines.setdefault(path, self.line_number(position))
        start = self.text[position : position + 1]
        if start == "{":
            return self.parse_object(position + 1, path)
        if start == "[":
            return self.parse_array(position + 1, path)
        if start == '"':
            return self.parse_text(position, path)
        return self.parse_scalar(position)

    def parse_text(self, position: int, path: JsonPath) -> tuple[str, int]:
        """Parse a string value; files cannot contain a lone surrogate."""
        text, end = self.parse_string(position)
        if problem := surrogate_problem(text):
            raise self.problem(position, f" {path_text(path)}: {json_text(text)} {problem}")
        return text, end

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
            text = digits if len(digits) <= 20 else f"{digits[:20]}... of {len(digits):,} characters"
            raise self.problem(match.start(), f": the number {text} is beyond the range of a double.")
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
        place = f" {path_text(path)}: the key {json_text(key)}"
        if problem := surrogate_problem(key):
            raise self.problem(position, f"{place} {problem}")
        if key in members:
            first = self.lines[(*path, key)]
            raise self.problem(position, f"{place} occurs twice, first on line {first}. Remove one of the two.")
        self.lines[(*path, key)] = self.line_number(position)
        colon = self.skip_space(end)
        if not self.text.startswith(":", colon):
            self.refuse(colon, f'expected ":" after the key {json_text(key)}')
        return key, self.skip_space(colon + 1)

    def expect_comma(self, position: int, closing: str) -> int:
        if not self.text.startswith(",", position):
            self.refuse(position, f'expected "," or "{closing}"')
        after = self.skip_space(position + 1)
        if self.text.startswith(closing, after):
            self.refuse(after, f'expected another value after the comma (no comma is allowed before "{closing}")')
        return after
