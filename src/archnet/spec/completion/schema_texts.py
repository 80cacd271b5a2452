"""Texts that explain a key or a value: its type, range, default and description in the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from archnet.files.documents.json_text import json_text
from archnet.spec.completion.applicable_schemas import SchemaPart, first_keyword
from archnet.spec.schema import expected_text

_MAX_LISTED: Final = 6
"""Maximum number of values that a text lists."""

_LIMITS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


def key_detail(parts: Sequence[SchemaPart], *, is_required: bool) -> str:
    """The type, range and default of a value in one line.

    Args:
        parts: The schemas of the value.
        is_required: Whether its key is required.
    """
    default = first_keyword(parts, "default", ...)
    default_text = "" if default is ... or isinstance(default, dict) else f"default {_short_text(default)}"
    words = [_type_text(parts), "required" if is_required else default_text]
    return ", ".join(filter(None, words))


def key_markdown(name: str, parts: Sequence[SchemaPart], *, is_required: bool) -> str:
    """The explanation of a key.

    Args:
        name: The key.
        parts: The schemas of its value.
        is_required: Whether the key is required.
    """
    detail = key_detail(parts, is_required=is_required)
    paragraphs = [f"**{name}**{f': {detail}' if detail else ''}", description_of(parts), _examples_text(parts)]
    return "\n\n".join(filter(None, paragraphs))


def description_of(parts: Sequence[SchemaPart]) -> str:
    """The description of a value."""
    return str(first_keyword(parts, "description", ""))


def word_description(parts: Sequence[SchemaPart], value: Any) -> str:
    """The description of one of the values of an enumeration; empty if there is none."""
    for part in parts:
        texts = part.schema.get("enumDescriptions", ())
        found = dict(zip(map(json.dumps, part.schema.get("enum", ())), texts, strict=False))
        if text := found.get(json.dumps(value)):
            return str(text)
    return ""


def _type_text(parts: Sequence[SchemaPart]) -> str:
    words = first_keyword(parts, "enum")
    if words is not None:
        listed = ", ".join(map(json_text, words[:_MAX_LISTED]))
        return (
            f"one of {listed}" if len(words) <= _MAX_LISTED else f"one of {listed} and {len(words) - _MAX_LISTED} more"
        )
    schema = next((part.schema for part in parts if "type" in part.schema), None)
    return ", ".join(filter(None, [expected_text(schema), _range_text(schema)])) if schema else ""


def _range_text(schema: Mapping[str, Any]) -> str:
    """The limits of a number.

    >>> _range_text({"minimum": 1, "maximum": 64}), _range_text({"minimum": 0, "exclusiveMaximum": 100})
    ('from 1 to 64', 'at least 0, below 100')
    """
    if {"minimum", "maximum"} <= set(schema):
        return f"from {schema['minimum']} to {schema['maximum']}"
    return ", ".join(text.format(schema[word]) for word, text in _LIMITS.items() if word in schema)


def _examples_text(parts: Sequence[SchemaPart]) -> str:
    examples = first_keyword(parts, "examples", ())
    texts = [json.dumps(example, ensure_ascii=False) for example in examples]
    listed = ", ".join(f"`{text}`" for text in texts if len(text) <= 60)
    return f"Example: {listed}" if listed and len(examples) == 1 else f"Examples: {listed}" if listed else ""


def _short_text(value: Any) -> str:
    return json_text(value)
