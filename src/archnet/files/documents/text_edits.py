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


def smallest_edits(before: str, after: str) -> tuple[TextEdit, ...]:
    r"""One edit of all lines from the first to the last that differs; empty for equal texts.

    >>> smallest_edits("a\nb\nc", "a\nx\nc")
    (TextEdit(range=TextRange(start=2, end=4), new_text='x\n'),)
    """
    if before == after:
        return ()
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    shared = min(len(old), len(new))
    first = next((number for number in range(shared) if old[number] != new[number]), shared)
    rest = shared - first
    last = next((number for number in range(rest) if old[-1 - number] != new[-1 - number]), rest)
    start, end = sum(map(len, old[:first])), len(before) - sum(map(len, old[len(old) - last :]))
    return (TextEdit(TextRange(start, end), "".join(new[first : len(new) - last])),)
