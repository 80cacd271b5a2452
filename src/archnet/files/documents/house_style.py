"""The house style of JSON files: two spaces, and one line for a value that fits into 120 characters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from archnet.files.documents.json_tree import JsonNode

LINE_LENGTH: Final = 120
"""Maximum length of a line, unless it holds a single key and text."""


@dataclass(frozen=True, slots=True)
class _Container:
    """An object or array to be formatted.

    Attributes:
        brackets: Its opening and its closing bracket.
        members: The texts before each value, a key with its colon or nothing, and the values.
        line: The whole value on one line.
    """

    brackets: str
    members: list[tuple[str, str | _Container]]
    line: str


def compact_json(value: Any, measure: Callable[[str], int] = len) -> str:
    """Format a JSON value in the house style.

    >>> print(compact_json({"layers": [{"type": "P", "kernel_size": [2, 2]}] * 4}))
    {
      "layers": [
        {"type": "P", "kernel_size": [2, 2]},
        {"type": "P", "kernel_size": [2, 2]},
        {"type": "P", "kernel_size": [2, 2]},
        {"type": "P", "kernel_size": [2, 2]}
      ]
    }

    Args:
        value: The value.
        measure: Length of a text on a line.
    """
    return _format(_value_piece(value), 0, 0, measure)


def format_json(text: str, root: JsonNode) -> str:
    """Format the text of a JSON document in the house style; numbers, texts and keys are left unchanged.

    Args:
        text: The text of a strict JSON document.
        root: Its value with the ranges of all parts.
    """
    return _format(_node_piece(text, root), 0, 0, len) + "\n"


def _value_piece(value: Any) -> str | _Container:
    if isinstance(value, dict):
        return _container("{}", [(f"{_scalar_text(key)}: ", _value_piece(entry)) for key, entry in value.items()])
    if isinstance(value, list | tuple):
        return _container("[]", [("", _value_piece(entry)) for entry in value])
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _node_piece(text: str, node: JsonNode) -> str | _Container:
    if node.members is None:
        return text[node.start : node.end]
    children = [child for _, child in node.children()]
    if isinstance(node.members, list):
        return _container("[]", [("", _node_piece(text, child)) for child in children])
    return _container(
        "{}", [(f"{text[child.key_start : child.key_end]}: ", _node_piece(text, child)) for child in children]
    )


def _container(brackets: str, members: list[tuple[str, str | _Container]]) -> _Container:
    entries = (key + (value if isinstance(value, str) else value.line) for key, value in members)
    return _Container(brackets, members, f"{brackets[0]}{', '.join(entries)}{brackets[1]}")


def _format(piece: str | _Container, indent: int, num_around: int, measure: Callable[[str], int]) -> str:
    """Format a value.

    Args:
        piece: The value.
        indent: Indentation of the line on which it begins.
        num_around: Number of characters before it, after the indentation, and after it.
        measure: See `compact_json`.
    """
    if isinstance(piece, str):
        return piece
    if not piece.members or indent + num_around + measure(piece.line) <= LINE_LENGTH:
        return piece.line
    inner = indent + 2
    last = len(piece.members) - 1
    lines = (
        f"{' ' * inner}{key}{_format(value, inner, len(key) + (number < last), measure)}"
        for number, (key, value) in enumerate(piece.members)
    )
    separated = ",\n".join(lines)
    return f"{piece.brackets[0]}\n{separated}\n{' ' * indent}{piece.brackets[1]}"
