"""The parts of a schema that apply to a value at a path of a document, complete or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archnet.spec.schema import read_schema

_MAX_EXPANSIONS: Final = 200
"""Maximum number of references, conditions and alternatives that are followed for one value."""

_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": (int, float),
    "null": type(None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaPart:
    """A schema that applies to a value.

    Attributes:
        schema: The schema; its keywords except references, conditions and alternatives.
        root: The document to which its references belong.
    """

    schema: Mapping[str, Any]
    root: Mapping[str, Any]

    def at(self, step: str | int) -> SchemaPart | None:
        """The schema of a key or an entry; null if this schema has none."""
        if isinstance(step, int):
            found = self.schema.get("items")
        else:
            found = self.schema.get("properties", {}).get(step, self.schema.get("additionalProperties"))
        return SchemaPart(schema=found, root=self.root) if isinstance(found, Mapping) else None


def document_parts(kind: str, value: Any) -> list[SchemaPart]:
    """The schemas that apply to a whole document.

    Args:
        kind: One of `SCHEMAS`.
        value: The document, which may be incomplete.
    """
    schema = read_schema(kind)
    return list(_expand(SchemaPart(schema=schema, root=schema), value))


def inner_parts(parts: Sequence[SchemaPart], step: str | int, value: Any) -> list[SchemaPart]:
    """The schemas that apply to a key or an entry of a value.

    Args:
        parts: The schemas that apply to the value itself.
        step: The key or the index.
        value: The value of the key or the entry, which may be incomplete.
    """
    return [each for part in parts if (inner := part.at(step)) for each in _expand(inner, value)]


def known_keys(parts: Sequence[SchemaPart]) -> dict[str, list[SchemaPart]]:
    """The keys of an object, in the order of the schema, with the schemas of their values, which are not yet known."""
    keys = dict.fromkeys(key for part in parts for key in part.schema.get("properties", {}))
    return {key: inner_parts(parts, key, _UNKNOWN) for key in keys}


def required_keys(parts: Sequence[SchemaPart], value: Any) -> set[str]:
    """The keys that an object must have."""
    return {key for part in parts for key in part.schema.get("required", ()) if key not in (value or ())}


def first_keyword(parts: Sequence[SchemaPart], keyword: str, default: Any = None) -> Any:
    """The value of a keyword in the first schema that has it."""
    return next((part.schema[keyword] for part in parts if keyword in part.schema), default)


class _Unknown:
    """A value that is not yet written; it can still become any value."""


_UNKNOWN: Final = _Unknown()


def _expand(part: SchemaPart, value: Any) -> Iterator[SchemaPart]:
    """Yield a schema, and those that it refers to for a value."""
    pending = [part]
    for _ in range(_MAX_EXPANSIONS):
        if not pending:
            return
        now = pending.pop(0)
        yield now
        pending = [*_referred(now, value), *pending]


def _referred(part: SchemaPart, value: Any) -> Iterator[SchemaPart]:
    schema, root = part.schema, part.root
    if "$ref" in schema:
        yield _resolve(str(schema["$ref"]), root)
    inner = [*schema.get("allOf", ()), *schema.get("anyOf", ())]
    if "if" in schema:
        is_met = matches(schema["if"], value)
        inner += [
            schema[word] for word, applies in (("then", is_met), ("else", not is_met)) if applies and word in schema
        ]
    for each in inner:
        yield SchemaPart(schema=each, root=root)


def _resolve(reference: str, root: Mapping[str, Any]) -> SchemaPart:
    """The schema that a reference names: a definition of the same document, or another document."""
    name, _, pointer = reference.partition("#")
    schema = root = read_schema(name.partition(".")[0]) if name else root
    for step in pointer.strip("/").split("/") if pointer else ():
        schema = schema[step]
    return SchemaPart(schema=schema, root=root)


def matches(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value satisfies a condition of the schemas, which use few keywords.

    >>> matches({"type": "object", "required": ["type"]}, {"type": "C"}), matches({"type": "array"}, {})
    (True, False)
    """
    return all(_CONDITIONS[keyword](limit, value) for keyword, limit in schema.items())


def _has_type(limit: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return bool(limit == "boolean")
    return isinstance(value, _KINDS[limit])


def _has_properties(limit: Any, value: Any) -> bool:
    return not isinstance(value, dict) or all(matches(limit[key], value[key]) for key in limit if key in value)


_CONDITIONS: Final[dict[str, Any]] = {
    "type": _has_type,
    "const": lambda limit, value: type(limit) is type(value) and limit == value,
    "required": lambda limit, value: not isinstance(value, dict) or set(limit) <= set(value),
    "properties": _has_properties,
    "contains": lambda limit, value: not isinstance(value, list) or any(matches(limit, entry) for entry in value),
}
