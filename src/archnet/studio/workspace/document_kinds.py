"""The kind of a document, recognized by its keys even if it is not valid JSON yet."""

from __future__ import annotations

import json
import re
from typing import Any, Final, Literal

FileKind = Literal["arch", "experiment", "sweep", "other"]

_PATTERNS: Final[tuple[tuple[FileKind, re.Pattern[bytes]], ...]] = (
    ("sweep", re.compile(rb'"base"\s*:|sweep\.schema\.json')),
    ("experiment", re.compile(rb'"archs?"\s*:|experiment\.schema\.json')),
    ("arch", re.compile(rb'"layers"\s*:|arch\.schema\.json')),
)


def document_kind(content: bytes) -> FileKind:
    """Recognize the kind of a document.

    >>> document_kind(b'{"layers": []}'), document_kind(b'{"layers": [{"type"'), document_kind(b'{"version": 1}')
    ('arch', 'arch', 'other')

    Args:
        content: The file, of bounded size.
    """
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return next((kind for kind, pattern in _PATTERNS if pattern.search(content)), "other")
    return _kind_of(value)


def _kind_of(value: Any) -> FileKind:
    if isinstance(value, list):
        is_layers = bool(value) and all(isinstance(entry, dict) and "type" in entry for entry in value)
        return "arch" if is_layers else "other"
    if not isinstance(value, dict):
        return "other"
    if "base" in value:
        return "sweep"
    if isinstance(value.get("layers"), list):
        return "arch"
    if {"arch", "archs"} & set(value):
        return "experiment"
    schema = value.get("$schema")
    name = re.search(r"(arch|experiment|sweep)\.schema\.json$", schema) if isinstance(schema, str) else None
    kinds: dict[str, FileKind] = {"arch": "arch", "experiment": "experiment", "sweep": "sweep"}
    return kinds[name[1]] if name else "other"
