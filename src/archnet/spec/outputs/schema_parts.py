"""Building blocks for the JSON Schemas of archnet's own files.

Unknown keys are allowed, because a newer version may have written them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number", "minimum": -(10**15), "maximum": 10**15}
"""Limit of numbers: beyond every measurement, but within the range of NumPy's types."""

BOOLEAN: Final[Schema] = {"type": "boolean"}
ANYTHING: Final[Schema] = {}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}


def nullable(schema: Schema) -> Schema:
    """Schema of a value or null.

    >>> nullable({"type": "string"})
    {'type': ['string', 'null']}
    """
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*types, "null"]}


def one_of(*words: str) -> Schema:
    """Schema of one of several words."""
    return {"enum": list(words)}


def list_of(items: Schema, at_least: int = 0, at_most: int | None = None) -> Schema:
    """Schema of a list of any or bounded length."""
    limits = {"minItems": at_least} | ({} if at_most is None else {"maxItems": at_most})
    return {"type": "array", "items": items, **limits}


def tuple_of(items: Schema, length: int) -> Schema:
    """Schema of a list of fixed length."""
    return list_of(items, length, length)


def map_of(values: Schema) -> Schema:
    """Schema of an object with any keys."""
    return {"type": "object", "additionalProperties": values}


def record_of(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Schema of an object with known keys."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}
