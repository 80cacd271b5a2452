"""Parsed JSON with the exact range of every key and value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from archnet.files.documents.json_text import JsonPath


class JsonNode:
    """A value of a text.

    Attributes:
        value: The value, as `json.loads` gives it.
        start: Offset of its first character.
        end: Offset after its last character.
        key_start: Offset of the first character of its key, a quote; -1 without a key.
        key_end: Offset after its key.
        members: The values of an object by key, or those of an array; null for other values.
        is_broken: Whether the text of the value itself is missing or invalid, so that `value` is a guess.
    """

    __slots__ = ("end", "is_broken", "key_end", "key_start", "members", "start", "value")

    def __init__(self, start: int) -> None:
        self.value: Any = None
        self.start = start
        self.end = start
        self.key_start = -1
        self.key_end = -1
        self.members: dict[str, JsonNode] | list[JsonNode] | None = None
        self.is_broken = False

    @property
    def has_key(self) -> bool:
        """Whether it is the value of a key."""
        return self.key_start >= 0

    @property
    def full_start(self) -> int:
        """Offset of the key, or of the value if it has no key."""
        return self.key_start if self.has_key else self.start

    def children(self) -> tuple[tuple[str | int, JsonNode], ...]:
        """The steps to the values inside, with these values, in the order of the text."""
        if isinstance(self.members, dict):
            return tuple(self.members.items())
        return tuple(enumerate(self.members or ()))

    def child(self, step: str | int) -> JsonNode | None:
        """The value of a key or of an index."""
        if isinstance(self.members, dict):
            return self.members.get(step) if isinstance(step, str) else None
        if isinstance(self.members, list) and isinstance(step, int) and step < len(self.members):
            return self.members[step]
        return None

    def find(self, path: JsonPath) -> JsonNode | None:
        """The value at a path; null if there is none."""
        node: JsonNode | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def path_at(self, offset: int) -> JsonPath:
        """The path of the innermost value whose text, with its key, contains an offset."""
        path: list[str | int] = []
        node = self
        while inner := next((each for each in node.children() if each[1].full_start <= offset <= each[1].end), None):
            path.append(inner[0])
            node = inner[1]
        return tuple(path)

    def walk(self, path: JsonPath = ()) -> Iterator[tuple[JsonPath, JsonNode]]:
        """Yield every value inside and this one, with their paths, in the order of the text."""
        yield path, self
        for step, child in self.children():
            yield from child.walk((*path, step))


def rebuild_value(node: JsonNode) -> Any:
    """Create the values of arrays and objects from their members, and return that of the node."""
    if isinstance(node.members, dict):
        node.value = {key: rebuild_value(child) for key, child in node.members.items()}
    elif isinstance(node.members, list):
        node.value = [rebuild_value(child) for child in node.members]
    return node.value


class LineNumbers(Mapping[JsonPath, int]):
    """Line number (from 1) of each path of a text: that of its key, or of the value if it has no key.

    Args:
        root: The parsed text.
        text: The text.
    """

    def __init__(self, root: JsonNode, text: str) -> None:
        self.root = root
        self._line_starts = line_starts(text)

    def __getitem__(self, path: JsonPath) -> int:
        node = self.root.find(path)
        if node is None:
            raise KeyError(path)
        return bisect_right(self._line_starts, node.full_start)

    def __iter__(self) -> Iterator[JsonPath]:
        return (path for path, _ in self.root.walk())

    def __len__(self) -> int:
        return sum(1 for _ in self.root.walk())

    def __bool__(self) -> bool:
        """Whether there is a line: every text has one."""
        return True


def line_starts(text: str) -> list[int]:
    r"""The offsets of the first characters of all lines.

    >>> line_starts("a\nbc\n")
    [0, 2, 5]
    """
    starts = [0]
    while (end := text.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return starts
