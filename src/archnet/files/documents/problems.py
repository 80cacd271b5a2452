"""Problems of a document, with the changes of the document that remove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from archnet.files.documents.json_text import JsonPath, json_text


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Rename the key of a value.

    Attributes:
        path: Path of the value.
        key: The new key.
    """

    path: JsonPath
    key: str


@dataclass(frozen=True, slots=True)
class ReplaceValue:
    """Replace a value, or add its key if it is missing.

    Attributes:
        path: Path of the value.
        value: The new value.
        before: The key before which a missing key is added; null adds it after the others.
    """

    path: JsonPath
    value: Any
    before: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveValue:
    """Remove a value with its key or from its array."""

    path: JsonPath


@dataclass(frozen=True, slots=True)
class InsertItem:
    """Insert a value into an array.

    Attributes:
        path: Path of the array.
        index: Index of the value after which the new one is inserted, plus 1.
        value: The new value.
    """

    path: JsonPath
    index: int
    value: Any


@dataclass(frozen=True, slots=True)
class MoveItem:
    """Move an entry of an array into the same or into a different array.

    Attributes:
        path: Path of the entry.
        array: Path of the array that receives it.
        index: Its new position, counted before the move.
    """

    path: JsonPath
    array: JsonPath
    index: int


@dataclass(frozen=True, slots=True)
class WrapValue:
    """Make a value the last entry of an object.

    Attributes:
        path: Path of the value.
        key: Its key in the object.
        others: The entries before it.
    """

    path: JsonPath
    key: str
    others: Mapping[str, Any]


Change = RenameKey | ReplaceValue | RemoveValue | InsertItem | MoveItem | WrapValue


@dataclass(frozen=True, slots=True)
class Repair:
    """Changes of a document that remove a problem.

    Attributes:
        title: What they do, such as 'Rename to "kernel_size"'.
        changes: The changes; all paths refer to the unchanged document.
        is_guess: Whether what they add is guessed, so that it may cause other problems.
    """

    title: str
    changes: tuple[Change, ...]
    is_guess: bool = False

    def below(self, path: JsonPath) -> Repair:
        """The same repair of a document that is at a path of another one."""
        return replace(self, changes=tuple(_moved_below(path, change) for change in self.changes))


def _moved_below(path: JsonPath, change: Change) -> Change:
    if isinstance(change, MoveItem):
        return replace(change, path=(*path, *change.path), array=(*path, *change.array))
    return replace(change, path=(*path, *change.path))


class Problem(NamedTuple):
    """A problem of a document.

    Attributes:
        path: JSON path of the value, or of the object in which a key is missing.
        message: The problem and its remedy.
        repairs: Ways to remove it, the most likely first.
        is_located: Whether the message contains its location, as for a problem of another file.
    """

    path: JsonPath
    message: str
    repairs: tuple[Repair, ...] = ()
    is_located: bool = False

    def below(self, path: JsonPath) -> Problem:
        """The same problem of a document that is at a path of another one."""
        repairs = tuple(repair.below(path) for repair in self.repairs)
        return self._replace(path=(*path, *self.path), repairs=repairs)


def rename_to(path: JsonPath, key: str) -> Repair:
    """Rename a key."""
    return Repair(f"Rename to {json_text(key)}", (RenameKey(path, key),))


def replace_with(path: JsonPath, value: Any) -> Repair:
    """Replace a value."""
    return Repair(f"Replace with {json_text(value)}", (ReplaceValue(path, value),))


def set_key(path: JsonPath, key: str, value: Any) -> Repair:
    """Set a key of an object, which may be missing."""
    return Repair(f"Set {json_text(key)}: {json_text(value)}", (ReplaceValue((*path, key), value),))


def add_key(path: JsonPath, key: str, value: Any, *, before: str | None = None, is_guess: bool = False) -> Repair:
    """Add a missing key to an object."""
    return Repair(f"Add {json_text(key)}: {json_text(value)}", (ReplaceValue((*path, key), value, before),), is_guess)


def remove_key(path: JsonPath) -> Repair:
    """Remove a key with its value, or an entry of an array."""
    name = json_text(path[-1]) if isinstance(path[-1], str) else "the entry"
    return Repair(f"Remove {name}", (RemoveValue(path),))
