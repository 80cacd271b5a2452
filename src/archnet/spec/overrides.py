"""Dotted keys and single values of documents: `--set training.epochs=5`, and the keys that a sweep varies."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.documents.json_parser import MAX_DEPTH
from archnet.files.documents.json_text import json_text, path_text
from archnet.files.strict_json import Document, JsonPath, plain_json

APPEND: Final = "+"
"""Last step of a path whose value is appended to an array; it does not occur in dotted keys."""

_STEP = re.compile(r"([A-Za-z_$][\w$-]*)|\[([0-9]{1,9})\]")


def parse_key(text: str) -> JsonPath:
    """Parse a dotted key such as `arch.layers[0].num_output` into a path.

    >>> parse_key("arch.layers[0].num_output")
    ('arch', 'layers', 0, 'num_output')

    Raises:
        DocumentError: The text is not a dotted key.
    """
    path: list[str | int] = []
    position = 0
    while position < len(text) and len(path) < MAX_DEPTH:
        match = _STEP.match(text, position)
        if match is None:
            break
        path.append(match[1] if match[1] else int(match[2]))
        position = match.end()
        if text[position : position + 1] == "." and position + 1 < len(text):
            position += 1
    if position < len(text) or not path or isinstance(path[0], int):
        raise DocumentError(
            f"{json_text(text)} is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output."
        )
    return tuple(path)


def parse_settings(settings: Mapping[str, Any] | None) -> list[tuple[JsonPath, Any]]:
    """Convert settings from Python to paths and JSON values.

    >>> parse_settings({"training.epochs": 5})
    [(('training', 'epochs'), 5)]

    Raises:
        DocumentError: A key is not a dotted key, or a value has no JSON equivalent.
    """
    if not isinstance(settings, Mapping | None):
        raise DocumentError(f'settings={settings!r:.60}: expected a mapping, such as {{"training.epochs": 5}}.')
    return [(parse_key(str(key)), plain_json(value, str(key))) for key, value in (settings or {}).items()]


def parse_override(text: str) -> tuple[JsonPath, Any]:
    """Parse `--set KEY=VALUE` into a path and a value; a value that is not valid JSON is text.

    Raises:
        DocumentError: There is no "=", the key is not a dotted key, or the value is nested too deeply or too large.
    """
    key, separator, value = text.partition("=")
    if not separator:
        raise DocumentError(f"--set {json_text(text)}: expected KEY=VALUE, such as --set training.epochs=5.")
    path = parse_key(key.strip())
    try:
        return path, plain_json(json.loads(value), f"--set {path_text(path)[2:]}")
    except json.JSONDecodeError:
        return path, value
    except (ValueError, RecursionError):
        raise DocumentError(
            f"--set {path_text(path)[2:]}: the value is nested too deeply or holds a number with too many digits."
        ) from None


def _missing_text(node: Any, step: str | int) -> str:
    """Explain why a step of a path does not exist, with the possible steps."""
    if isinstance(node, list) and isinstance(step, int):
        return f"has no [{step}]; {f'the last is [{len(node) - 1}]' if node else 'it is empty'}."
    if isinstance(node, list):
        return f'is an array and has no "{step}". Give an index, such as [0].'
    return f"is {json_text(node)}, which has no {path_text((step,)).removeprefix('$').removeprefix('.')}."


def apply_override(document: Document, path: JsonPath, value: Any) -> Document:
    """Replace one value of a document, or append entries to an array; missing objects on the path are created.

    Raises:
        DocumentError: The path passes through a value that is not an object, or beyond the end of an array.
    """
    if not path:
        return replace(document, value=value, lines={})
    if path[-1] == APPEND:
        path, value = path[:-1], _append(_value_at(document.value, path[:-1]), value)
    root = copy.deepcopy(document.value)
    node = root
    for depth, (step, next_step) in enumerate(zip(path, (*path[1:], None), strict=True)):
        is_valid_index = isinstance(node, list) and isinstance(step, int) and step < len(node)
        if not is_valid_index and not (isinstance(node, dict) and isinstance(step, str)):
            raise DocumentError(document.problem(path[:depth], _missing_text(node, step)))
        if next_step is None:
            node[step] = value
        elif isinstance(node, dict) and node.get(step) is None:
            node[step] = {}
        node = node[step]
    lines = {known: line for known, line in document.lines.items() if known[: len(path)] != path}
    return replace(document, value=root, lines=lines)


def _value_at(value: Any, path: JsonPath) -> Any:
    """The value at a path of objects; None if it does not exist."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _append(entries: Any, more: Sequence[Any]) -> Any:
    """Append entries to an array without duplicates; other values are unchanged, and the schema rejects them."""
    if not isinstance(entries, list | None):
        return entries
    return [*(entries or []), *(entry for entry in dict.fromkeys(more) if entry not in (entries or []))]
