"""Syntax errors of JSON: their messages, their ranges, and the edits that remove them."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from archnet.files.documents.json_text import JsonPath, path_text
from archnet.files.documents.json_tree import line_starts

Replacement = tuple[int, int, str]
"""The start and the end of a part of a text, and the text that replaces it."""

COMMON_MISTAKES: Final = {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxProblem:
    """A syntax error.

    Attributes:
        position: Offset that the message cites.
        start: Offset of the first character at fault.
        end: Offset after the last character at fault.
        message: The error and its remedy, without its location.
        path: JSON path of the value.
        shows_column: Whether the message cites the column.
        shows_path: Whether the message cites the path.
        title: What the edits do; empty without edits.
        edits: The edits that remove the error, in the order of the text.
    """

    position: int
    start: int
    end: int
    message: str
    path: JsonPath
    shows_column: bool = False
    shows_path: bool = False
    title: str = ""
    edits: tuple[Replacement, ...] = ()

    def text(self, source: str, document: str) -> str:
        """The message with its location in a file; see `location`."""
        return f"{self.location(source, document)}: {self.message}"

    def location(self, source: str, document: str) -> str:
        """The location in a file, with line, and column or path.

        Args:
            source: Name of the file.
            document: Its whole text.
        """
        starts = line_starts(document)
        line = bisect_right(starts, self.position)
        column = f":{self.position - starts[line - 1] + 1}" if self.shows_column else ""
        place = f" {path_text(self.path)}" if self.shows_path else ""
        return f"{source}:{line}{column}{place}"


def expectation_text(text: str, position: int, expected: str) -> str:
    """The message for an unexpected character.

    >>> expectation_text("[1 2]", 3, 'expected ","')
    'not valid JSON: expected ",", found "2".'
    """
    mistake = next((message for start, message in COMMON_MISTAKES.items() if text.startswith(start, position)), None)
    found = json.dumps(text[position]) if position < len(text) else "the end of the file"
    return f"not valid JSON: {mistake or f'{expected}, found {found}'}."
