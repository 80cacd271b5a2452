"""Completions and hover texts at a position, and the outline of a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archnet.files.documents.text_edits import TextEdit, TextRange
from archnet.spec.completion.snippet_text import plain_snippet


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One offer at a position.

    Attributes:
        label: What the list shows, such as "kernel_size" or a whole layer, "C: convolution".
        kind: Whether this is a key, a value, or a whole layer.
        detail: Type and default, such as "a whole number or an array, default 1".
        documentation: The description in the schema, as plain text.
        edit: The replacement of the half-typed word at the position. Later lines of the new
            text are indented relative to this line.
        other_edits: Changes elsewhere: a comma after the previous entry.
        is_snippet: Whether `edit.new_text` contains tab stops such as ${1:16}, in LSP's snippet syntax.
    """

    label: str
    kind: Literal["key", "value", "layer"]
    detail: str = ""
    documentation: str = ""
    edit: TextEdit
    other_edits: tuple[TextEdit, ...] = ()
    is_snippet: bool = False

    @property
    def plain_text(self) -> str:
        """The new text of the edit with the default text of every tab stop, for editors without snippets."""
        return plain_snippet(self.edit.new_text) if self.is_snippet else self.edit.new_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Hover:
    """The explanation of the key or value at a position, as Markdown."""

    range: TextRange
    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """An entry of the outline.

    Attributes:
        name: Such as "C" or "training".
        detail: Such as "16 3x3 -> 64x64x16".
        range: The whole entry.
        selection_range: Its name.
        children: Entries inside it.
    """

    name: str
    detail: str
    range: TextRange
    selection_range: TextRange
    children: tuple[Symbol, ...] = ()
