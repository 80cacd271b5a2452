"""The texts that a completion writes for a value: its default, an example, or a choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from archnet.files.documents.house_style import compact_json
from archnet.spec.completion.applicable_schemas import SchemaPart, first_keyword
from archnet.spec.completion.snippet_text import choice_stop, tab_stop
from archnet.spec.schema import pattern_words


def value_snippet(parts: Sequence[SchemaPart], rank: int | None) -> str:
    """A snippet for the value of a key: its default, else an example; one of several words can be chosen.

    Args:
        parts: The schemas of the value.
        rank: Number of axes of sizes; null if it is unknown.
    """
    words = _choices(parts)
    if len(words) > 1:
        return choice_stop(1, words)
    if words:
        return words[0]
    default = first_keyword(parts, "default", ...)
    if default is not ... and default not in ({}, ""):
        return tab_stop(1, _text(default))
    examples = [_with_rank(example, parts, rank) for example in first_keyword(parts, "examples", ())]
    if examples and default is ...:
        return tab_stop(1, compact_json(examples[0]))
    return {"object": "{${1}}", "array": "[${1}]", "string": '"${1}"'}.get(_types(parts)[0], "${1}")


def plain_values(parts: Sequence[SchemaPart], rank: int | None) -> list[Any]:
    """The values that a schema lists: words, true and false, null, the default and examples, without duplicates.

    Args:
        parts: The schemas of the value.
        rank: Number of axes of sizes; null if it is unknown.
    """
    default = first_keyword(parts, "default", ...)
    found = [] if default in (..., {}, "") else [default]
    for part in parts:
        found += [part.schema["const"]] if "const" in part.schema else []
        found += part.schema.get("enum", ())
        found += pattern_words(part.schema)
    types = _types(parts)
    found += [True, False] * ("boolean" in types) + [None] * ("null" in types)
    found += [_with_rank(example, parts, rank) for example in first_keyword(parts, "examples", ())]
    unique: dict[str, Any] = {}
    for value in found:
        unique.setdefault(json.dumps(value), value)
    return list(unique.values())


def _choices(parts: Sequence[SchemaPart]) -> list[str]:
    """The texts of all possible values, the default first; empty if there are others."""
    const = first_keyword(parts, "const", ...)
    if const is not ...:
        return [_text(const)]
    values = first_keyword(parts, "enum")
    if values is None:
        types = _types(parts)
        words = [word for part in parts for word in pattern_words(part.schema)]
        if not set(types) <= {"boolean", "null", "string", "object"} or ("string" in types and not words):
            return []
        values = [*words, *[False, True] * ("boolean" in types), *[None] * ("null" in types)]
        if not words and "boolean" not in types:
            return []
    default = first_keyword(parts, "default", ...)
    return list(dict.fromkeys(_text(value) for value in ([] if default in (..., {}) else [default]) + list(values)))


def _types(parts: Sequence[SchemaPart]) -> list[str]:
    """The JSON types of a value; one that no schema knows, if none states them."""
    types = first_keyword(parts, "type", "any")
    return types if isinstance(types, list) else [types]


def _with_rank(value: Any, parts: Sequence[SchemaPart], rank: int | None) -> Any:
    """An example of sizes with one entry per axis."""
    has_axes = (first_keyword(parts, "minItems"), first_keyword(parts, "maxItems")) == (2, 3)
    return value[:rank] if rank and has_axes and isinstance(value, list) else value


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
