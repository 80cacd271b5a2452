"""Parts of a text, and changes of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class TextRange:
    """A part of a text.

    Attributes:
        start: Offset of the first character, in Unicode code points.
        end: Offset after the last character.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextEdit:
    """The replacement of a part of a text; an insertion has an empty range."""

    range: TextRange
    new_text: str


def apply_edits(text: str, edits: tuple[TextEdit, ...]) -> str:
    """Apply edits that do not overlap.

    >>> apply_edits("abc", (TextEdit(TextRange(0, 1), "x"), TextEdit(TextRange(3, 3), "y")))
    'xbcy'
    """
    for edit in sorted(edits, key=lambda edit: edit.range, reverse=True):
        text = text[: edit.range.start] + edit.new_text + text[edit.range.end :]
    return text
