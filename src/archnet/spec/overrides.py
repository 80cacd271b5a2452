"""Dotted keys and single values of documents: `--set training.epochs=5`, and the keys that a sweep varies."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from typing import Any

from archnet.errors import DocumentError
from archnet.files.strict_json import Document, JsonPath

_STEP = re.compile(r"([A-Za-z_$][\w$-]*)|\[(\d+)\]")


def parse_key(text: str) -> JsonPath:
    """A dotted key such as `arch.layers[0].num_output` as a path.

    >>> parse_key("arch.layers[0].num_output")
    ('arch', 'layers', 0, 'num_output')

    Raises:
        DocumentError: The text is not a dotted key.
    """
    path: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            break
        path.append(match[1] if match[1] else int(match[2]))
        position = match.end()
        if text[position : position + 1] == "." and position + 1 < len(text):
            position += 1
    if position < len(text) or not path or isinstance(path[0], int):
        raise DocumentError(f'"{text}" is not a key. Write it like training.epochs or arch.layers[0].num_output.')
    return tuple(path)


def parse_setting(text: str) -> tuple[JsonPath, Any]:
    """A `--set KEY=VALUE`: the path and the value, read as JSON where it is JSON, else as text.

    Raises:
        DocumentError: There is no "=", or the key is not a dotted key.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise DocumentError(f'--set "{text}": expected KEY=VALUE, such as --set training.epochs=5.')
    try:
        return parse_key(key.strip()), json.loads(value)
    except json.JSONDecodeError:
        return parse_key(key.strip()), value


def with_setting(document: Document, path: JsonPath, value: Any) -> Document:
    """The document with one value replaced; objects on the way are made.

    Raises:
        DocumentError: The path leads through a value that is no object, or beyond the end of an array.
    """
    if not path:
        return replace(document, value=value, lines={})
    changed = copy.deepcopy(document.value)
    place = changed
    for depth, (step, following) in enumerate(zip(path, (*path[1:], None), strict=True)):
        fits = isinstance(place, list) and isinstance(step, int) and step < len(place)
        if not fits and not (isinstance(place, dict) and isinstance(step, str)):
            raise DocumentError(document.problem(path[:depth], f"has no {step!r} to set."))
        if following is None:
            place[step] = value
        elif isinstance(place, dict) and place.get(step) is None:
            place[step] = {}
        place = place[step]
    lines = {known: line for known, line in document.lines.items() if known[: len(path)] != path}
    return replace(document, value=changed, lines=lines)
