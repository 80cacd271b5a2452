"""Positions as editors count them: lines, and UTF-16 code units within a line."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

from lsprotocol.types import Position, Range

from archnet.spec.analysis.text_ranges import TextRange

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
"""The line ends of the protocol. `str.splitlines` knows more, which are ordinary characters in JSON strings."""

_TWO_UNITS: Final = re.compile("[\U00010000-\U0010ffff]")
"""Characters outside the Basic Multilingual Plane, which take two UTF-16 code units."""


@dataclass(frozen=True, slots=True)
class EditorPositions:
    """Converts between offsets in code points and positions in a text; both directions take logarithmic time.

    Attributes:
        length: Length of the text.
        line_starts: Offset of the first character of each line.
        line_ends: Offset of the end of each line, before its line break.
        two_units: Offsets of the characters that take two code units.
    """

    length: int
    line_starts: tuple[int, ...]
    line_ends: tuple[int, ...]
    two_units: tuple[int, ...]

    def position(self, offset: int) -> Position:
        """The position of an offset; offsets beyond the text are at its end."""
        offset = max(0, min(offset, self.length))
        line = bisect_right(self.line_starts, offset) - 1
        return Position(line, self._units(self.line_starts[line], offset))

    def range(self, text_range: TextRange) -> Range:
        """The range between two offsets."""
        return Range(self.position(text_range.start), self.position(text_range.end))

    def offset(self, position: Position) -> int:
        """The offset of a position; one beyond the line or the text is at its end."""
        if position.line >= len(self.line_starts):
            return self.length
        start, end = self.line_starts[position.line], self.line_ends[position.line]
        offsets = range(start, end + 1)
        index = bisect_left(offsets, position.character, key=lambda offset: self._units(start, offset))
        return min(start + index, end)

    def text_range(self, editor_range: Range) -> TextRange:
        """The offsets of a range; empty at its start if the end comes first."""
        start, end = self.offset(editor_range.start), self.offset(editor_range.end)
        return TextRange(start, max(start, end))

    def _units(self, start: int, end: int) -> int:
        """Code units between two offsets."""
        return end - start + bisect_left(self.two_units, end) - bisect_left(self.two_units, start)


def editor_positions(text: str) -> EditorPositions:
    r"""The positions in a text.

    >>> positions = editor_positions('{"a": "🫁",\r\n "b": 1}')
    >>> positions.position(9), positions.offset(Position(1, 1))
    (0:10, 13)
    """
    breaks = [found.span() for found in _LINE_END.finditer(text)]
    return EditorPositions(
        length=len(text),
        line_starts=(0, *(end for _, end in breaks)),
        line_ends=(*(start for start, _ in breaks), len(text)),
        two_units=() if text.isascii() else tuple(found.start() for found in _TWO_UNITS.finditer(text)),
    )


def apply_change(text: str, changed: Range | None, new_text: str) -> str:
    """The text after an editor's change of a range, or of everything.

    >>> apply_change("[1, 2]", Range(Position(0, 4), Position(0, 5)), "30"), apply_change("[]", None, "{}")
    ('[1, 30]', '{}')
    """
    if changed is None:
        return new_text
    offsets = editor_positions(text).text_range(changed)
    return text[: offsets.start] + new_text + text[offsets.end :]
