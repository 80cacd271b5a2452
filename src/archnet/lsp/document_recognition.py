"""Recognition of archnet's documents among the JSON files of an editor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from archnet.spec.layers import LAYERS

_MAX_TEXT: Final = 200_000
"""Characters that are searched, from the beginning of the text."""

_SCHEMA: Final = re.compile(r'"\$schema"\s*:\s*"([^"\\]*)"')
_OUR_SCHEMA: Final = re.compile(r"(?:^|[/\\])(?:arch|experiment|sweep)\.schema\.json#?$")
_LAYER: Final = re.compile(rf'"type"\s*:\s*"(?:{"|".join(LAYERS)})"')
_LAYERS_KEY: Final = re.compile(r'"layers"\s*:')
_BARE_LAYERS: Final = re.compile(r"\s*\[\s*\{")
_ARCHS_KEY: Final = re.compile(r'"archs?"\s*:')
_SECTION_KEY: Final = re.compile(r'"(?:data|split|training|evaluation)"\s*:')
_BASE_KEY: Final = re.compile(r'"base"\s*:')
_SPACE_KEY: Final = re.compile(r'"space"\s*:')

_ARCHS_FOLDER: Final = "archs"
_FOLDERS: Final = (_ARCHS_FOLDER, "experiments")
"""Folders, made by `archnet init`, in which a new, empty file is a document."""


def is_archnet_document(path: Path, text: str) -> bool:
    """Whether a text is an architecture, an experiment or a sweep, perhaps incomplete.

    The `$schema` decides; without one, the keys do. Files below a folder "archs" are always architectures, and an empty
    file in "experiments" is treated as an experiment or a sweep.

    >>> is_archnet_document(Path("net.json"), '[{"type": "C", "num_out')
    True
    >>> is_archnet_document(Path("package.json"), '{"name": "page", "type": "module"}')
    False

    Args:
        path: The file.
        text: Its text as edited.
    """
    text = text[:_MAX_TEXT]
    if schema := _SCHEMA.search(text):
        return _OUR_SCHEMA.search(schema[1]) is not None
    if not text.strip():
        return any(folder in path.parent.parts for folder in _FOLDERS)
    return _ARCHS_FOLDER in path.parent.parts or _has_document_keys(text)


def names_other_schema(text: str) -> bool:
    """Whether a text names the schema of another kind of document.

    >>> names_other_schema('{"$schema": "https://json.schemastore.org/package.json"}')
    True
    """
    schema = _SCHEMA.search(text[:_MAX_TEXT])
    return schema is not None and _OUR_SCHEMA.search(schema[1]) is None


def _has_document_keys(text: str) -> bool:
    """Whether a text has the keys of an architecture, an experiment or a sweep."""
    if _LAYER.search(text) and (_LAYERS_KEY.search(text) or _BARE_LAYERS.match(text)):
        return True
    if _BASE_KEY.search(text) and _SPACE_KEY.search(text):
        return True
    return _ARCHS_KEY.search(text) is not None and _SECTION_KEY.search(text) is not None
