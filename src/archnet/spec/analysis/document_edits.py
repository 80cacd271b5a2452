"""Edits of the text of a document that carry out a repair, in the style of the text around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from archnet.files.documents.json_tree import JsonNode
from archnet.files.documents.problems import (
    Change,
    InsertItem,
    MoveItem,
    RemoveValue,
    RenameKey,
    Repair,
    ReplaceValue,
    WrapValue,
)
from archnet.files.strict_json import JsonPath
from archnet.spec.analysis.text_ranges import Fix, TextEdit, TextRange


def fix_text(repair: Repair, root: JsonNode, text: str, base: JsonPath = ()) -> Fix | None:
    """Carry out a repair in a text; null if the text lacks the place.

    Args:
        repair: The repair.
        root: The tree of the text.
        text: The text.
        base: Path of the document within the text; the repair's paths are relative to it.
    """
    document = root.find(base)
    if document is None:
        return None
    editor = _Editor(document, text)
    try:
        edits = tuple(sorted((edit for change in repair.changes for edit in editor.edit(change)), key=_position))
    except _NoPlaceError:
        return None
    overlap = any(first.range.end > second.range.start for first, second in pairwise(edits))
    return None if overlap or not edits else Fix(title=repair.title, edits=edits, is_guess=repair.is_guess)


def _position(edit: TextEdit) -> TextRange:
    return edit.range


class _NoPlaceError(Exception):
    """The text has no such value."""


@dataclass(frozen=True, slots=True)
class _Editor:
    """Turns changes into edits.

    Attributes:
        root: The tree of the document.
        text: The text.
    """

    root: JsonNode
    text: str

    def find(self, path: JsonPath) -> JsonNode:
        node = self.root.find(path)
        if node is None:
            raise _NoPlaceError
        return node

    def edit(self, change: Change) -> Iterator[TextEdit]:
        if isinstance(change, RenameKey):
            node = self.find(change.path)
            if not node.has_key:
                raise _NoPlaceError
            yield _replacement(node.key_start, node.key_end, _json(change.key))
        elif isinstance(change, ReplaceValue):
            yield self.replace(change)
        elif isinstance(change, RemoveValue):
            yield self.remove(change.path)
        elif isinstance(change, InsertItem):
            yield self.insert(self.find(change.path), change.index, _json(change.value))
        elif isinstance(change, WrapValue):
            node = self.find(change.path)
            others = "".join(f"{_json(key)}: {_json(value)}, " for key, value in change.others.items())
            yield _replacement(node.start, node.start, f"{{{others}{_json(change.key)}: ")
            yield _replacement(node.end, node.end, "}")
        else:
            yield from self.move(change)

    def replace(self, change: ReplaceValue) -> TextEdit:
        node = self.root.find(change.path)
        if node is not None:
            return _replacement(node.start, node.end, _json(change.value))
        parent = self.find(change.path[:-1])
        if not isinstance(parent.members, dict):
            raise _NoPlaceError
        keys = list(parent.members)
        index = keys.index(change.before) if change.before in keys else len(keys)
        return self.insert(parent, index, f"{_json(change.path[-1])}: {_json(change.value)}")

    def insert(self, parent: JsonNode, index: int, new_text: str) -> TextEdit:
        """Insert an entry before the one with an index."""
        children = [child for _, child in parent.children()]
        if parent.members is None or not self.is_closed(parent):
            raise _NoPlaceError
        if not children:
            if self.text[parent.start + 1 : parent.end - 1].strip():  # a comment, for example
                raise _NoPlaceError
            return _replacement(parent.start + 1, parent.end - 1, new_text)
        separator = self.separator(parent)
        if index <= 0:
            return _replacement(children[0].full_start, children[0].full_start, f"{new_text}{separator}")
        previous = children[min(index, len(children)) - 1]
        return _replacement(previous.end, previous.end, f"{separator}{new_text}")

    def is_closed(self, node: JsonNode) -> bool:
        return self.text[node.end - 1 : node.end] in ("}", "]")

    def separator(self, parent: JsonNode) -> str:
        """The comma between the entries, with the line break and the indentation of the first entry."""
        (_, first), *_ = parent.children()
        before = self.text[parent.start + 1 : first.full_start]
        return f",\n{before.rpartition(chr(10))[2]}" if "\n" in before and not before.strip() else ", "

    def remove(self, path: JsonPath) -> TextEdit:
        parent, node = self.find(path[:-1]), self.find(path)
        children = [child for _, child in parent.children()]
        index = next(index for index, child in enumerate(children) if child is node)
        if index + 1 < len(children):
            return _replacement(node.full_start, children[index + 1].full_start, "")
        if index:
            return _replacement(children[index - 1].end, node.end, "")
        if not self.is_closed(parent):
            return _replacement(node.full_start, node.end, "")
        return _replacement(parent.start + 1, parent.end - 1, "")

    def move(self, change: MoveItem) -> Iterator[TextEdit]:
        array, node = self.find(change.array), self.find(change.path)
        moved = self.text[node.start : node.end]
        if "\n" in moved:
            moved = moved.replace(f"\n{self.indentation(node)}", f"\n{self.entry_indentation(array)}")
        yield self.remove(change.path)
        yield self.insert(array, change.index, moved)

    def indentation(self, node: JsonNode) -> str:
        """The white space at the beginning of the line of a value."""
        line = self.text[: node.start].rpartition("\n")[2]
        return line[: len(line) - len(line.lstrip())]

    def entry_indentation(self, array: JsonNode) -> str:
        return next((self.indentation(entry) for _, entry in array.children()), self.indentation(array))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _replacement(start: int, end: int, new_text: str) -> TextEdit:
    return TextEdit(TextRange(start, end), new_text)
